// Which datasets get new values? Properties that Stemma does not know stay.
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $id          ['org/model']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($id) - 1) AS i
MATCH (n:Dataset {id: $id[i]})
SET n += {
  hub_id: $hub_id[i], author: $author[i], state: $state[i], created_at: $created_at[i], modified_at: $modified_at[i],
  downloads: $downloads[i], likes: $likes[i], licence: $licence[i], gated: $gated[i], tags: $tags[i],
  languages: $languages[i], models: $models[i], id_lower: $id_lower[i]
}
RETURN count(n) AS done
