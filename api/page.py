"""This file knows the short page that a browser gets where programs send GraphQL."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Stemma GraphQL</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}pre{background:#f4f4f4;padding:1rem;
overflow:auto}</style></head><body>
<h1>Stemma answers GraphQL here</h1>
<p>Send a document by POST as JSON, or by GET as <code>?query=</code>. The schema answers introspection; <code>stemma schema</code>
prints it.</p>
<pre>curl -s http://HOST:PORT/graphql -H 'content-type: application/json' -d '{"query":
  "{ models(first: 5) { nodes { id downloads totalDescendants baseModels { relation baseModel { id } } } } }"}'</pre>
</body></html>
"""
