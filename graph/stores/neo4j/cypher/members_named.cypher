// Who has these places in the tables of members beside large groups?
// Parameters:
//   $fold    'family'               copies, quants or family
//   $places  [['org/base', 0, 17]]  id of the original, number of the part, row of the model in it
// Row: a list of [id of the original, id of the model]
UNWIND $places AS place
MATCH (t:Members {fold: $fold, original: place[0], column: 'ids', part: place[1]})
RETURN collect([place[0], t.ids[place[2]]]) AS answer
