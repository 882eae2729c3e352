//! Metrics, dashboards and alerts, judged by the tool of Prometheus.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ctl::stack::Kind;
use e2e::{Metrics, Order, SOON, Shop, Verifier, eventually, first, key};
use serde_json::Value;

/// Labels that Prometheus adds, and the one of buckets.
const ADDED: [&str; 3] = ["job", "instance", "le"];

/// What Prometheus itself makes.
const OF_PROMETHEUS: [&str; 2] = ["up", "ALERTS"];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/observability").join(path)
}

/// Fails with everything that promtool says; `input` is its standard input.
fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs promtool: apt-get install --no-install-recommends prometheus");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {text}");
}

/// One order, whose customer waited, and the gauges that are set once a second.
async fn busy_shop() -> (Shop, [Metrics; 3]) {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let headers = [("Idempotency-Key", key()), ("Prefer", "wait=10".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    shop.user.order_with(&Order::of("MUG", 1), &headers).await.expect(201);
    shop.quiet().await;
    let probed = async || {
        let kinds = Kind::ALL.map(|kind| shop.metrics(first(kind)));
        let [one, two, three] = kinds;
        let scrapes = tokio::join!(one, two, three);
        let scrapes = [scrapes.0, scrapes.1, scrapes.2];
        let shown =
            ["orderflow_charges_retried ", "orderflow_stream_length{", "orderflow_outbox_unconfirmed "];
        let all = scrapes.each_ref().map(Metrics::text).concat();
        if shown.iter().all(|name| all.contains(name)) { Ok(scrapes) } else { Err(all) }
    };
    let scrapes = eventually("all gauges show", SOON, probed).await;
    (shop, scrapes)
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_metrics_of_any_service_and_all_tell_of_process_and_build() {
    let (_shop, scrapes) = busy_shop().await;
    for (kind, metrics) in Kind::ALL.iter().zip(&scrapes) {
        promtool(&["check", "metrics"], metrics.text());
        for name in
            ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"]
        {
            assert!(metrics.sum(name, &[]) > 0.0, "{name}\n{}", metrics.text());
        }
        let service = format!("service=\"{}\"", kind.name());
        let build = ["version=\"", "commit=\"", "rustc=\"", service.as_str()];
        assert_eq!(metrics.sum("orderflow_build_info", &build), 1.0, "{}", metrics.text());
    }
}

/// A scrape of a verifier that has looked at everything.
async fn verdicts(shop: &Shop) -> Metrics {
    let verifier = Verifier::start(&shop.stack, &["--interval", "600ms"]).await;
    let looked = async || {
        let metrics = verifier.metrics().await;
        let shown = metrics.text().matches("orderflow_invariant_broken{").count();
        if shown == 10 { Ok(metrics) } else { Err(metrics) }
    };
    eventually("it has looked at everything", SOON, looked).await
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_metrics_of_the_verifier() {
    let shop = Shop::open().await;
    let metrics = verdicts(&shop).await;
    promtool(&["check", "metrics"], metrics.text());
    assert_eq!(metrics.sum("orderflow_build_info", &["service=\"verifier\""]), 1.0, "{}", metrics.text());
}

/// Otherwise `rate` and `increase` miss the first one.
#[tokio::test]
async fn a_counter_is_there_before_its_first_event() {
    let shop = Shop::open().await;
    for (kind, name, labels) in [
        (Kind::Payment, "orderflow_orders_total", "status=\"refunded\""),
        (Kind::Payment, "orderflow_orphan_charges_total", ""),
        (Kind::Payment, "orderflow_provider_errors_total", ""),
        (Kind::Payment, "orderflow_admission_rejected_total", "service=\"payment\""),
        (Kind::Payment, "orderflow_limited_total", "limit=\"orders\""),
        (Kind::Payment, "orderflow_outbox_republished_total", "service=\"payment\""),
        (Kind::Payment, "orderflow_dead_letters_redriven_total", "service=\"payment\""),
        (Kind::Inventory, "orderflow_reservations_total", "outcome=\"insufficient-stock\""),
        (Kind::Inventory, "orderflow_oversell_guard_total", ""),
        (Kind::Inventory, "orderflow_stream_messages_total", "outcome=\"poison\""),
        (Kind::Inventory, "orderflow_inbox_duplicates_total", "consumer=\"inventory-group\""),
        (Kind::Inventory, "orderflow_actor_restarts_total", "actor=\"consumer\",reason=\"panicked\""),
        (Kind::User, "orderflow_logins_total", "outcome=\"blocked\""),
        (Kind::User, "orderflow_client_tokens_total", "outcome=\"invalid-client\""),
        (Kind::User, "orderflow_refresh_reuse_total", ""),
        (Kind::User, "orderflow_limited_total", "limit=\"logins\""),
        (Kind::User, "orderflow_audit_lost_total", "service=\"user\""),
        (Kind::User, "orderflow_spans_dropped_total", "reason=\"queue-full\""),
    ] {
        let metrics = shop.metrics(first(kind)).await;
        let is_it = |line: &&str| line.starts_with(name) && line.contains(labels);
        let found = metrics.text().lines().find(is_it);
        assert!(found.is_some_and(|line| line.ends_with(" 0")), "{name} {labels}: {found:?}");
    }
}

#[tokio::test]
async fn a_wait_counts_apart_from_the_other_requests_of_its_route() {
    let (_shop, scrapes) = busy_shop().await;
    let payment = &scrapes[Kind::ALL.iter().position(|kind| *kind == Kind::Payment).expect("payment")];
    let placed = ["route=\"/orders\"", "method=\"POST\""];
    let count = |name: &str| payment.sum(name, &placed);
    assert_eq!(count("orderflow_http_wait_duration_seconds_count"), 1.0, "{}", payment.text());
    assert_eq!(count("orderflow_http_request_duration_seconds_count"), 0.0, "{}", payment.text());
    for (name, bound) in [
        ("orderflow_http_wait_duration_seconds_bucket", "le=\"30\""),
        ("orderflow_http_request_duration_seconds_bucket", "le=\"5\""),
        ("orderflow_stream_end_to_end_seconds_bucket", "le=\"10\""),
    ] {
        assert!(payment.text().lines().any(|line| line.starts_with(name) && line.contains(bound)), "{name}");
    }
}

fn dashboards() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(deploy("grafana/dashboards")).expect("dashboards");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        (path.display().to_string(), serde_json::from_str(&text).expect("JSON"))
    };
    files.map(|file| read(file.expect("a file").path())).collect()
}

/// As Prometheus gets them: without Grafana's variables.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let query = |target: &Value| target["expr"].as_str().expect("an expression").to_owned();
    let plain = |query: String| {
        query.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")
    };
    targets.map(query).map(plain).collect()
}

fn alerts() -> String {
    std::fs::read_to_string(deploy("alerts.yaml")).expect("text")
}

/// Each alert, up to the next one.
fn each_alert(text: &str) -> Vec<&str> {
    text.split("- alert: ").skip(1).collect()
}

fn expressions() -> Vec<String> {
    let mut all: Vec<String> = dashboards().iter().flat_map(|(_, dashboard)| queries(dashboard)).collect();
    let text = alerts();
    let expression = |alert: &str| {
        let from = alert.find("expr:").expect("an expression") + "expr:".len();
        let to = alert.find("        labels:").expect("labels");
        let until = alert[from..to].find("        for:").map_or(to, |at| from + at);
        alert[from..until].trim().trim_start_matches('|').trim().to_owned()
    };
    all.extend(each_alert(&text).into_iter().map(expression));
    all
}

/// Names, numbers and keywords, without texts in quotes.
fn words(expression: &str) -> Vec<String> {
    let bare: String = expression.split('"').step_by(2).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    bare.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// In `by (…)`, `on (…)` and before `=`.
fn labels(expression: &str) -> Vec<String> {
    let lists = ["by (", "on ("].into_iter().flat_map(|list| expression.split(list).skip(1));
    let lists = lists.flat_map(|rest| rest.split(')').next().expect("a list").split(','));
    let bare: String = expression.split('"').step_by(2).collect();
    let selectors = bare.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned);
    let matched = selectors.flat_map(|list| {
        let label = |part: &str| part.trim_end_matches(['=', '~', '!']).trim().to_owned();
        list.split(',').map(label).collect::<Vec<String>>()
    });
    let all = lists.map(|label| label.trim().to_owned()).chain(matched);
    all.filter(|label| !label.is_empty()).collect()
}

#[tokio::test]
async fn every_expression_of_dashboards_and_alerts_is_about_metrics_and_labels_that_exist() {
    let (shop, scrapes) = busy_shop().await;
    let verifier = verdicts(&shop).await;
    let samples = scrapes.each_ref().map(Metrics::text).concat() + verifier.text();
    let series: Vec<&str> = samples.lines().filter(|line| !line.starts_with('#')).collect();
    let names: BTreeSet<&str> = series
        .iter()
        .filter_map(|line| line.split(['{', ' ']).next())
        .filter(|name| !name.is_empty())
        .collect();
    for expression in expressions() {
        let metrics: Vec<String> = words(&expression)
            .into_iter()
            .filter(|word| word.starts_with("orderflow_") || word.starts_with("process_"))
            .collect();
        let own = words(&expression).iter().any(|word| OF_PROMETHEUS.contains(&word.as_str()));
        assert!(own || !metrics.is_empty(), "no metric in {expression}");
        for metric in &metrics {
            assert!(names.contains(metric.as_str()), "no service exports {metric} of {expression}");
        }
        for label in labels(&expression).iter().filter(|label| !ADDED.contains(&label.as_str())) {
            let has = |line: &&&str| {
                metrics.iter().any(|metric| line.starts_with(metric.as_str()))
                    && (line.contains(&format!("{{{label}=")) || line.contains(&format!(",{label}=")))
            };
            assert!(own || series.iter().any(|line| has(&line)), "no label {label} in {expression}");
        }
    }
}

#[test]
fn promtool_reads_every_expression_and_the_tests_of_the_alerts_pass() {
    let alerts = deploy("alerts.yaml").display().to_string();
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", &alerts], "");
    promtool(&["test", "rules", &deploy("alerts.test.yaml").display().to_string()], "");
    let rule = |(number, expression): (usize, String)| {
        format!("\n  - record: dashboard:{number}\n    expr: {}", Value::from(expression))
    };
    let rules: String = expressions().into_iter().enumerate().map(rule).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, format!("groups:\n- name: dashboards\n  rules:{rules}\n")).expect("a file");
    promtool(&["check", "rules", &file.display().to_string()], "");
}

#[test]
fn an_alert_says_what_it_means_and_leads_to_its_section_of_the_runbook() {
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbook.md");
    let runbook = std::fs::read_to_string(runbook).expect("text");
    let sections: BTreeSet<String> =
        runbook.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_lowercase).collect();
    let text = alerts();
    for alert in each_alert(&text) {
        let name = alert.lines().next().expect("a name").to_lowercase();
        assert!(alert.contains("  description: \"") && alert.contains("  summary: \""), "{alert}");
        let url = alert.lines().find(|line| line.contains("runbook_url: ")).expect("a runbook_url");
        let anchor = url.rsplit_once('#').expect("an anchor").1.trim_end_matches('\'');
        assert_eq!((anchor, sections.contains(anchor)), (name.as_str(), true), "{alert}");
    }
}

/// A data source by its uid exists in one Grafana only.
#[test]
fn a_dashboard_can_be_imported_anywhere_and_leads_to_the_others() {
    let dashboards = dashboards();
    assert!(dashboards.iter().any(|(file, _)| file.ends_with("home.json")));
    let mut ids = BTreeSet::new();
    for (file, dashboard) in &dashboards {
        let variables = dashboard["templating"]["list"].as_array().expect("variables").iter();
        let names: Vec<&str> = variables.filter_map(|variable| variable["name"].as_str()).collect();
        assert_eq!(names, ["datasource", "job", "instance"], "{file}");
        let text = dashboard.to_string();
        assert_eq!(
            text.matches("\"uid\":").count(),
            text.matches("\"uid\":\"${datasource}\"").count() + 1,
            "{file}"
        );
        assert_eq!(dashboard["links"][0]["tags"], dashboard["tags"], "{file}");
        for query in queries(dashboard).iter().filter(|query| !query.contains("ALERTS")) {
            assert!(query.contains("job=~\".*\", instance=~\".*\""), "{file}: {query}");
        }
        assert!(ids.insert(dashboard["uid"].to_string()), "{file}: two dashboards have this uid");
    }
}
