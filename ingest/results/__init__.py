"""Evaluation results: tables of strangers become rows of benchmark, value and grade."""
