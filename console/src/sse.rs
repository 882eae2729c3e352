//! Live parts of a page, as Server-Sent Events that carry HTML.

use std::{convert::Infallible, time::Duration};

use actix_web::{HttpResponse, rt::time::sleep, web::Bytes};
use futures_util::stream;

use crate::{session::CallError, viewer::Viewer};

/// After a service failed to answer.
const PAUSE: Duration = Duration::from_secs(2);

/// The new content of a part of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// The name of the event that the part waits for.
    pub part: &'static str,
    pub html: String,
}

/// What a page shows now.
pub enum Look {
    Live(Vec<Fragment>),
    /// Nothing will change any more.
    Final(Vec<Fragment>),
}

struct Watch<L> {
    viewer: Viewer,
    look: L,
    last: Vec<Fragment>,
    is_over: bool,
}

/// Sends what `look` sees, when it changed. `look` itself waits for its moment. A page that is gone ends it.
pub fn watch<L>(viewer: Viewer, look: L) -> HttpResponse
where
    L: AsyncFnMut(&Viewer) -> Result<Look, CallError> + 'static,
{
    let watch = Watch { viewer, look, last: Vec::new(), is_over: false };
    let events = stream::unfold(watch, async |mut watch| {
        let bytes = watch.next().await?;
        Some((Ok::<_, Infallible>(bytes), watch))
    });
    HttpResponse::Ok().content_type("text/event-stream").streaming(events)
}

impl<L: AsyncFnMut(&Viewer) -> Result<Look, CallError>> Watch<L> {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let trouble = |html: String| vec![Fragment { part: "trouble", html }];
        let seen = if self.viewer.site.sessions.is_open(&self.viewer.cookie) {
            (self.look)(&self.viewer).await
        } else {
            Err(CallError::SessionEnded)
        };
        let fragments = match seen {
            Ok(Look::Live(fragments)) => [trouble(String::new()), fragments].concat(),
            Ok(Look::Final(fragments)) => {
                self.is_over = true;
                fragments
            }
            Err(CallError::SessionEnded) => {
                self.is_over = true;
                trouble(format!(
                    "Your session has ended. <a href=\"{}/login\">Log in again</a>.",
                    self.viewer.site.base
                ))
            }
            Err(CallError::Api(_)) => {
                sleep(PAUSE).await;
                trouble("A service does not answer. This page goes on when it does.".to_owned())
            }
        };
        Some(self.events(fragments))
    }

    /// The fragments that differ from the last ones; without any, a comment that keeps the connection open.
    fn events(&mut self, fragments: Vec<Fragment>) -> Bytes {
        let changed = fragments.iter().filter(|fragment| !self.last.contains(fragment));
        let mut events: String = changed.map(event).collect();
        if self.is_over {
            events.push_str("event: close\ndata:\n\n");
        } else if events.is_empty() {
            events.push_str(":\n\n");
        }
        self.last = fragments;
        Bytes::from(events)
    }
}

/// A line break would end the field.
fn event(fragment: &Fragment) -> String {
    let data: String = fragment.html.lines().map(|line| format!("data: {line}\n")).collect();
    let data = if data.is_empty() { "data:\n".to_owned() } else { data };
    format!("event: {}\n{data}\n", fragment.part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_fragment_is_a_field() {
        let fragment = Fragment { part: "map", html: "<p>\n1\r\n</p>".to_owned() };
        assert_eq!(event(&fragment), "event: map\ndata: <p>\ndata: 1\ndata: </p>\n\n");
        assert_eq!(event(&Fragment { part: "trouble", html: String::new() }), "event: trouble\ndata:\n\n");
    }
}
