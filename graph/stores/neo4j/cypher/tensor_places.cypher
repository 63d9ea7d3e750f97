// Where does this tensor content lie?
// Parameters:
//   $digest  '9f86d081884c7d65'
//   $limit   100
// Row: [a list of [digest, model, role, values] by model and role, the number of models that hold it]
OPTIONAL MATCH (t:Tensor {digest: $digest})
CALL (t) {
  MATCH (t)<-[e:HAS_TENSOR]-(m:Model)
  WITH m.id AS model, e.role AS role
  ORDER BY model, role
  LIMIT $limit
  RETURN collect([t.digest, model, role, t.values]) AS places
}
RETURN [places, coalesce(t.models, 0)] AS answer
