use std::{collections::HashMap, fmt, time::Duration};

use events::Sampler;
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderName, HeaderValue};

use crate::settings::{HttpUrl, Source, Value};

/// OpenTelemetry's default (`OTEL_EXPORTER_OTLP_TIMEOUT`), in milliseconds.
const TIMEOUT: u64 = 10_000;

/// The settings of traces: ours, and under them the variables of every OpenTelemetry SDK
/// (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// `None`: no spans are made.
    pub collector: Option<CollectorSettings>,
    pub sampler: Sampler,
}

/// Where spans go, and whose they are.
#[derive(Debug, Clone)]
pub struct CollectorSettings {
    /// Of spans, with its path.
    pub url: HttpUrl,
    pub headers: Headers,
    pub timeout: Duration,
    /// Replaces the name of the service.
    pub service_name: Option<String>,
    pub resource: Vec<(String, String)>,
}

/// Headers of a request, which `Debug` hides: they may hold a key.
#[derive(Clone, Default)]
pub struct Headers(HashMap<String, String>);

impl Headers {
    /// The headers; keep them out of logs.
    pub fn expose(&self) -> &HashMap<String, String> {
        &self.0
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `key=value,key=value`, with percent-encoded values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pairs(Vec<(String, String)>);

impl Value for Pairs {
    fn parse(text: &str) -> Result<Self, String> {
        // Without the text: it may hold a key.
        let wrong = || "expected key=value,key=value with percent-encoded values".to_owned();
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
            let (key, value) = (key.trim(), percent_decode_str(value.trim()).decode_utf8());
            let value = value.map_err(|_| wrong())?;
            if key.is_empty() { Err(wrong()) } else { Ok((key.to_owned(), value.into_owned())) }
        };
        let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
        Ok(Self(pairs.map(pair).collect::<Result<_, String>>()?))
    }
}

impl Value for Headers {
    fn parse(text: &str) -> Result<Self, String> {
        let Pairs(pairs) = Pairs::parse(text)?;
        let is_header = |(name, value): &(String, String)| {
            HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
        };
        match pairs.iter().find(|&pair| !is_header(pair)) {
            Some((name, _)) => Err(format!("`{name}` is no header, or has a value that no header may have")),
            None => Ok(Self(pairs.into_iter().collect())),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ratio {
    All,
    None,
    Argument,
}

/// A value of `OTEL_TRACES_SAMPLER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    parent_based: bool,
    ratio: Ratio,
}

impl Value for Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let (parent_based, rule) = match text.strip_prefix("parentbased_") {
            Some(rule) => (true, rule),
            None => (false, text),
        };
        let ratio = match rule {
            "always_on" => Ratio::All,
            "always_off" => Ratio::None,
            "traceidratio" => Ratio::Argument,
            _ => {
                let known = "always_on, always_off or traceidratio, with or without parentbased_ before it";
                return Err(format!("expected {known}, got `{text}`"));
            }
        };
        Ok(Self { parent_based, ratio })
    }
}

impl TraceSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        let own = source.value(
            "otlp-endpoint",
            "",
            "OpenTelemetry collector of spans (OTLP over HTTP), e.g. http://127.0.0.1:4318; off: the otel- \
             settings decide",
        );
        let ratio = ratio(
            source,
            "trace-sample-ratio",
            "share of new traces that are sampled, 0 to 1; a trace begun elsewhere follows the flag of its \
             traceparent; off: otel-traces-sampler decides",
        );
        let sampler = sampler(source, ratio);
        Self { collector: CollectorSettings::read(source, own), sampler }
    }
}

fn ratio(source: &mut Source, name: &'static str, about: &'static str) -> Option<f64> {
    let ratio: Option<f64> = source.value(name, "", about);
    source.check(name, ratio.is_none_or(|ratio| (0.0..=1.0).contains(&ratio)), "must be between 0 and 1");
    ratio
}

fn sampler(source: &mut Source, own: Option<f64>) -> Sampler {
    let rule: Option<Rule> = source.value(
        "otel-traces-sampler",
        "",
        "always_on, always_off or traceidratio, each also after parentbased_; off: parentbased_always_on",
    );
    let argument = ratio(source, "otel-traces-sampler-arg", "the ratio of traceidratio, 0 to 1; off: 1");
    let ratio = match rule.map_or(Ratio::All, |rule| rule.ratio) {
        Ratio::All => 1.0,
        Ratio::None => 0.0,
        Ratio::Argument => argument.unwrap_or(1.0),
    };
    match own {
        Some(ratio) => Sampler { parent_based: true, ratio },
        None => Sampler { parent_based: rule.is_none_or(|rule| rule.parent_based), ratio },
    }
}

impl CollectorSettings {
    /// `own`: a base URL, which wins.
    fn read(source: &mut Source, own: Option<HttpUrl>) -> Option<Self> {
        let disabled: Option<bool> =
            source.value("otel-sdk-disabled", "", "true: no spans, whatever the other settings say");
        let base: Option<HttpUrl> = source.value("otel-exporter-otlp-endpoint", "", "as otlp-endpoint");
        let of_traces: Option<HttpUrl> =
            source.value("otel-exporter-otlp-traces-endpoint", "", "the same, with its path");
        let headers = headers(source);
        let timeout = timeout(source);
        let service_name = source.value(
            "otel-service-name",
            "",
            "name of the service in spans; off: user, inventory or payment",
        );
        let resource: Option<Pairs> =
            source.value("otel-resource-attributes", "", "attributes of all spans: key=value,key=value");
        let speaks = protocol(source);
        let url_of_spans = |base: HttpUrl| base.join("/v1/traces");
        let standard = of_traces.or_else(|| base.map(url_of_spans));
        if disabled == Some(true) {
            return None;
        }
        if own.is_none() && standard.is_some() {
            source.check(
                "otel-exporter-otlp-protocol",
                speaks,
                "must be http/protobuf, on port 4318 as a rule",
            );
        }
        let url = own.map(url_of_spans).or(standard)?;
        Some(Self { url, headers, timeout, service_name, resource: resource.unwrap_or_default().0 })
    }
}

/// A signal's own variable wins.
fn headers(source: &mut Source) -> Headers {
    let all: Option<Headers> =
        source.value("otel-exporter-otlp-headers", "", "headers for the collector: name=value,name=value");
    let of_traces: Option<Headers> =
        source.value("otel-exporter-otlp-traces-headers", "", "the same, for spans only");
    of_traces.or(all).unwrap_or_default()
}

fn timeout(source: &mut Source) -> Duration {
    let mut read = |name, about| {
        let timeout: Option<u64> = source.value(name, "", about);
        source.check(name, timeout != Some(0), "must be at least 1");
        timeout
    };
    let all =
        read("otel-exporter-otlp-timeout", "milliseconds for a batch, its repetitions included; off: 10000");
    let of_traces = read("otel-exporter-otlp-traces-timeout", "the same, for spans only");
    Duration::from_millis(of_traces.or(all).unwrap_or(TIMEOUT).max(1))
}

/// Whether the collector is one that this program can speak to.
fn protocol(source: &mut Source) -> bool {
    let mut read = |name, about| -> Option<String> { source.value(name, "", about) };
    let all = read("otel-exporter-otlp-protocol", "http/protobuf is spoken, and nothing else");
    let of_traces = read("otel-exporter-otlp-traces-protocol", "the same, for spans only");
    of_traces.or(all).is_none_or(|protocol| protocol == "http/protobuf")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<TraceSettings, String> {
        let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut source = Source::new([], pairs);
        let settings = TraceSettings::read(&mut source);
        source.finish().map(|()| settings).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_variables_of_opentelemetry_count_where_ours_are_silent() {
        let url = |environment: &[(&str, &str)]| {
            let settings = read(environment).expect("usable settings");
            settings.collector.map(|collector| collector.url.as_str().to_owned())
        };
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a/base/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/spans");
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[base]).as_deref(), Some("https://a/base/v1/traces"));
        assert_eq!(url(&[base, traces]).as_deref(), Some("http://b/spans"));
        assert_eq!(
            url(&[base, traces, ("OTLP_ENDPOINT", "http://c:4318")]).as_deref(),
            Some("http://c:4318/v1/traces")
        );
        assert_eq!(url(&[base, ("OTEL_SDK_DISABLED", "true")]), None);
        let collector = read(&[
            base,
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=y"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=blue,team=a%3Db"),
        ]);
        let collector = collector.expect("usable settings").collector.expect("a collector");
        assert_eq!(collector.headers.expose()["api-key"], "a b");
        assert_eq!(collector.timeout, Duration::from_millis(2500));
        assert_eq!(collector.service_name.as_deref(), Some("shop"));
        assert_eq!(collector.resource[1], ("team".to_owned(), "a=b".to_owned()));
        assert!(!format!("{collector:?}").contains("a b"), "a header may hold a key");
    }

    #[test]
    fn a_sampler_is_ours_or_that_of_opentelemetry() {
        let sampler = |environment: &[(&str, &str)]| {
            let Sampler { parent_based, ratio } = read(environment).expect("usable settings").sampler;
            (parent_based, ratio)
        };
        let rule = |rule| ("OTEL_TRACES_SAMPLER", rule);
        let quarter = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
        assert_eq!(sampler(&[]), (true, 1.0));
        assert_eq!(sampler(&[rule("always_on")]), (false, 1.0));
        assert_eq!(sampler(&[rule("parentbased_always_off")]), (true, 0.0));
        assert_eq!(sampler(&[rule("traceidratio"), quarter]), (false, 0.25));
        assert_eq!(sampler(&[rule("parentbased_traceidratio"), quarter]), (true, 0.25));
        assert_eq!(sampler(&[rule("always_on"), ("TRACE_SAMPLE_RATIO", "0.5")]), (true, 0.5));
    }

    #[test]
    fn every_wrong_variable_is_named_without_the_value_of_a_header() {
        let errors = read(&[
            ("TRACE_SAMPLE_RATIO", "2"),
            ("OTEL_TRACES_SAMPLER", "xray"),
            ("OTEL_TRACES_SAMPLER_ARG", "-1"),
            ("OTEL_SDK_DISABLED", "perhaps"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/spans"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "bad name=secret"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
            ("OTEL_RESOURCE_ATTRIBUTES", "nothing"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ]);
        let errors = errors.expect_err("wrong settings");
        for name in [
            "trace-sample-ratio",
            "otel-traces-sampler",
            "otel-traces-sampler-arg",
            "otel-sdk-disabled",
            "otel-exporter-otlp-endpoint",
            "otel-exporter-otlp-headers",
            "otel-exporter-otlp-traces-headers",
            "otel-exporter-otlp-timeout",
            "otel-exporter-otlp-traces-timeout",
            "otel-resource-attributes",
            "otel-exporter-otlp-protocol",
        ] {
            assert!(errors.contains(&format!("  {name}: ")), "{name}: {errors}");
        }
        assert!(!errors.contains("secret"), "{errors}");
    }
}
