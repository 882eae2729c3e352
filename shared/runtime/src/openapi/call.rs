use serde_json::Value;

/// What the errors of an operation depend on: its body, and who may call.
pub(super) struct Call {
    /// The media type.
    pub body: Option<String>,
    pub needs_token: bool,
    /// Roles and scopes.
    callers: Vec<String>,
}

impl Call {
    pub fn read(operation: &Value) -> Self {
        let content = operation["requestBody"]["content"].as_object();
        let bearers = operation["security"].as_array().into_iter().flatten();
        let bearers: Vec<&Value> = bearers.filter_map(|requirement| requirement.get("bearer")).collect();
        let callers = bearers.iter().filter_map(|bearer| bearer.as_array()).flatten();
        Self {
            body: content.and_then(|content| content.keys().next().cloned()),
            needs_token: !bearers.is_empty(),
            callers: callers.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    /// Whether a service with a scope may call it.
    pub fn takes_scopes(&self) -> bool {
        self.callers.iter().any(|caller| caller.contains(':'))
    }

    /// The sentence for readers.
    pub fn who(&self) -> Option<String> {
        let one = |caller: &String| match caller.contains(':') {
            true => format!("a service with the scope `{caller}`"),
            false => caller.clone(),
        };
        let callers: Vec<String> = self.callers.iter().map(one).collect();
        (!callers.is_empty()).then(|| format!("For: {}.", callers.join(", ")))
    }
}
