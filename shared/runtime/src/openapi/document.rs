use serde_json::{Map, Value, json};

/// The object at `pointer`, which is made if need be.
pub(super) fn members<'a>(document: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    let names = pointer.split('/').skip(1);
    let found = names.fold(document, |value, name| &mut value[name]);
    if found.is_null() {
        *found = json!({});
    }
    found.as_object_mut()
}

pub(super) fn each_operation(document: &mut Value, mut change: impl FnMut(&mut Value)) {
    let paths = members(document, "/paths").into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if operation.get("responses").is_some() {
            change(operation);
        }
    }
}

/// A reference to a part of the document.
pub(super) fn reference(part: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{part}/{name}")})
}
