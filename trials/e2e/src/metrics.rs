/// One scrape of `/metrics`.
#[derive(Debug)]
pub struct Metrics(String);

impl Metrics {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The sum of the samples whose labels contain each of `labels`, as in `writer="orders"`.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, rest) = series.split_once('{').unwrap_or((series, ""));
            (found == name && labels.iter().all(|label| rest.contains(label)))
                .then(|| value.parse::<f64>().ok())?
        };
        self.0.lines().filter(|line| !line.starts_with('#')).filter_map(sample).sum()
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}
