use serde_json::json;

use crate::api::Stream;
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::stack::Kind;
use crate::terminal::table;

const COLUMNS: &str = "\
Columns:
  LENGTH   entries in the stream, including read ones that are not yet trimmed
  UNREAD   entries the group has not read (~ is an estimate: after a trim Redis cannot count exactly)
  PENDING  entries read and not acknowledged, with the age of the oldest
  IDLE     time since the last command of the most and the least active consumer
  CLAIMED  entries reclaimed from idle consumers since the service started
  DEAD     dead letters: see `shopctl dead-letters list`
  FOREIGN  foreign groups with their unread entries, which delay trimming for a while";

/// `shopctl streams`
#[derive(Debug, clap::Args)]
#[command(after_help = COLUMNS)]
pub struct Args {
    /// Show a line for each consumer, with its pending entries and its idle time
    #[arg(long)]
    consumers: bool,
}

pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    let (inventory, payment) = tokio::try_join!(api.streams(Kind::Inventory), api.streams(Kind::Payment))?;
    let streams: Vec<Stream> = inventory.into_iter().chain(payment).collect();
    context.output.print(&json!({"streams": streams}), |_| {
        if args.consumers { consumers(&streams) } else { rendered(&streams) }
    })?;
    Ok(Exit::Success)
}

fn rendered(streams: &[Stream]) -> String {
    let heading =
        ["STREAM", "GROUP", "LENGTH", "UNREAD", "PENDING", "CONSUMERS", "IDLE", "CLAIMED", "DEAD", "FOREIGN"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(streams.iter().map(row));
    table(&rows)
}

fn consumers(streams: &[Stream]) -> String {
    let heading = ["STREAM", "GROUP", "CONSUMER", "PENDING", "IDLE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for stream in streams {
        rows.extend(stream.consumers.iter().map(|consumer| {
            let pending = consumer.pending.to_string();
            let idle = format!("{:.1} s", consumer.idle_seconds);
            vec![stream.stream.clone(), stream.group.clone(), consumer.name.clone(), pending, idle]
        }));
    }
    table(&rows)
}

fn row(stream: &Stream) -> Vec<String> {
    let guess = if stream.unread_approximate { "~" } else { "" };
    vec![
        stream.stream.clone(),
        stream.group.clone(),
        stream.length.to_string(),
        format!("{guess}{}", stream.unread),
        pending(stream),
        stream.consumers.len().to_string(),
        idle(stream),
        stream.reclaimed_total.to_string(),
        stream.dead_letters.to_string(),
        foreign(stream),
    ]
}

fn pending(stream: &Stream) -> String {
    match stream.pending {
        0 => "0".to_owned(),
        n => format!("{n} ({:.1} s)", stream.oldest_pending_seconds),
    }
}

fn foreign(stream: &Stream) -> String {
    let groups = stream.foreign_groups.iter().map(|group| format!("{} ({})", group.name, group.unread));
    if stream.foreign_groups.is_empty() { "-".to_owned() } else { groups.collect::<Vec<_>>().join(", ") }
}

fn idle(stream: &Stream) -> String {
    let idle = || stream.consumers.iter().map(|consumer| consumer.idle_seconds);
    match (idle().reduce(f64::min), idle().reduce(f64::max)) {
        (Some(least), Some(most)) if least < most => format!("{least:.1}-{most:.1} s"),
        (Some(only), _) => format!("{only:.1} s"),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_one_row_with_its_guess_its_oldest_and_its_idle_times() {
        let text = r#"{"stream":"order_completed","group":"inventory-group","length":12,"unread":3,"unread_approximate":true,
            "pending":2,"oldest_pending_seconds":4.25,"dead_letters":1,"reclaimed_total":7,
            "foreign_groups":[{"name":"audit","unread":12,"pending":0}],
            "consumers":[{"name":"a","idle_seconds":0.1,"pending":2},{"name":"b","idle_seconds":9.0,"pending":0}]}"#;
        let stream: Stream = serde_json::from_str(text).expect("the wire shape");
        let row = row(&stream).join(" | ");
        assert_eq!(
            row,
            "order_completed | inventory-group | 12 | ~3 | 2 (4.2 s) | 2 | 0.1-9.0 s | 7 | 1 | audit (12)"
        );
    }
}
