// What do the tables of members beside these large groups say?
// Parameters:
//   $fold      'family'                               copies, quants or family
//   $originals ['org/base']                           of the groups
//   $columns   ['task_values', 'task_codes']          which columns
// Row: a list of [id of the original, number of the part, how many models it has, its values in the order of $columns]
UNWIND $originals AS original
MATCH (t:Members)
USING INDEX t:Members(fold, original, part)
WHERE t.fold = $fold AND t.original = original AND t.part >= 0
RETURN collect([original, t.part, t.models, [column IN $columns | t[column]]]) AS answer
