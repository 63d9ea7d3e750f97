// What is known of this weight content?
// Parameters:
//   $digest  '9f86d081...'
// Row: [digest, files, size, holders], or null
OPTIONAL MATCH (w:Weights {digest: $digest})
RETURN [w.digest, w.files, w.size, w.holders] AS answer
