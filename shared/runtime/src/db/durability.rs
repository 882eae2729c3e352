//! Warns about server settings that can lose an acknowledged commit.

use tokio_postgres::Client;

pub(super) async fn warn_unless_durable(client: &Client) -> Result<(), tokio_postgres::Error> {
    let settings = "SELECT current_setting('fsync'), current_setting('full_page_writes'),
                    current_setting('synchronous_commit'), current_setting('synchronous_standby_names')";
    let row = client.query_one(settings, &[]).await?;
    let found: [String; 4] = std::array::from_fn(|n| row.get(n));
    for (setting, when) in not_durable(found.each_ref().map(String::as_str)) {
        tracing::warn!(
            setting,
            wanted = "on",
            "PostgreSQL can lose orders that were answered with 2xx {when}"
        );
    }
    Ok(())
}

/// Each with the event that loses a commit.
fn not_durable([fsync, full_page_writes, commit, standbys]: [&str; 4]) -> Vec<(&'static str, &'static str)> {
    let power = "when the power fails";
    let found = [
        ("fsync", power, fsync == "off"),
        ("full_page_writes", power, full_page_writes == "off"),
        ("synchronous_commit", "when it crashes", commit == "off"),
        ("synchronous_commit", "in a failover", commit == "local" && !standbys.is_empty()),
    ];
    found.into_iter().filter_map(|(setting, when, is_so)| is_so.then_some((setting, when))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_can_cost_an_order_is_named() {
        assert_eq!(not_durable(["on", "on", "on", "*"]), []);
        assert_eq!(not_durable(["on", "on", "local", ""]), [], "a server without standbys");
        assert_eq!(not_durable(["on", "on", "local", "*"]), [("synchronous_commit", "in a failover")]);
        let names: Vec<&str> =
            not_durable(["off", "off", "off", ""]).into_iter().map(|(setting, _)| setting).collect();
        assert_eq!(names, ["fsync", "full_page_writes", "synchronous_commit"]);
    }
}
