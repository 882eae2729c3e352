//! The text format of Prometheus, as far as the services write it.

/// A line such as `name{label="value"} 1`.
#[derive(Debug, PartialEq)]
pub struct Sample<'a> {
    pub name: &'a str,
    labels: &'a str,
    pub value: f64,
}

/// Skips comments, and lines that cannot be read.
pub fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(Sample::parse)
}

impl<'a> Sample<'a> {
    /// The services write no timestamps.
    fn parse(line: &'a str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let value = value.parse().ok()?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (series, ""),
        };
        Some(Self { name, labels, value })
    }

    /// Escapes stay as they are.
    pub fn label(&self, wanted: &str) -> Option<&'a str> {
        let mut rest = self.labels;
        loop {
            let (name, after) = rest.split_once("=\"")?;
            let end = closing_quote(after)?;
            if name.trim_start_matches(',') == wanted {
                return Some(&after[..end]);
            }
            rest = &after[end + 1..];
        }
    }

    pub fn is(&self, label: &str, value: &str) -> bool {
        self.label(label) == Some(value)
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_labels_and_a_value() {
        let text = "# HELP a of a\n# TYPE a counter\na{route=\"/orders/{id}\",le=\"+Inf\"} 3\nb 0.5\n\nd z\n";
        let all: Vec<_> = samples(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].name, all[0].label("le"), all[0].value), ("a", Some("+Inf"), 3.0));
        assert!(all[0].is("route", "/orders/{id}") && all[0].label("method").is_none());
        assert_eq!((all[1].name, all[1].value), ("b", 0.5));
    }

    #[test]
    fn a_value_may_hold_quotes_and_commas() {
        let line = r#"a{one="x\",two=\"y",two="\\"} 1"#;
        let sample = Sample::parse(line).expect("a sample");
        assert_eq!((sample.label("one"), sample.label("two")), (Some(r#"x\",two=\"y"#), Some(r"\\")));
    }
}
