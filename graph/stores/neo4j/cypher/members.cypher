// What do these columns of the tables of members beside large groups say?
// Parameters:
//   $fold      'family'                    copies, quants or family
//   $originals ['org/base']                of the groups
//   $columns   ['task', 'downloads_rank']  which columns
// Row: a list of [id of the original, number of the part, column, how many models the part has, values, codes]
UNWIND $originals AS original
UNWIND $columns AS column
MATCH (t:Members)
USING INDEX t:Members(fold, original, column, part)
WHERE t.fold = $fold AND t.original = original AND t.column = column AND t.part >= 0
RETURN collect([original, t.part, column, t.models, t.values, t.codes]) AS answer
