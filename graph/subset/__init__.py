"""Curated subsets: a selection of models that can be repeated, checked, compared, exported and downloaded.

``query`` is what is asked, ``selection`` which models that is, ``rows`` what a lock says of each, ``lock`` the file and its digest.
"""
