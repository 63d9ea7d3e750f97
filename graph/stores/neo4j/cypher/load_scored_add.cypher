// Which new results are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $benchmark   ['mmlu-pro']             the key, one entry a row
//   $setting     ['5-shot']               the key, one entry a row
//   $source      ['a-leaderboard']        the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
MATCH (n:Benchmark {name: $benchmark[i]})
CREATE (m)-[e:SCORED {
  setting: $setting[i], source: $source[i], metric: $metric[i], value: $value[i], fraction: $fraction[i],
  items: $items[i], grade: $grade[i], revision: $revision[i]
}]->(n)
RETURN count(e) AS done
