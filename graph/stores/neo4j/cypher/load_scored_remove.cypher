// Which results are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $benchmark   ['mmlu-pro']             the key, one entry a row
//   $setting     ['5-shot']               the key, one entry a row
//   $source      ['a-leaderboard']        the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})-[e:SCORED {setting: $setting[i], source: $source[i]}]->(:Benchmark {name: $benchmark[i]})
USING INDEX m:Model(id)  // a model has few of these, the other end may have thousands
DELETE e
RETURN count(*) AS done
