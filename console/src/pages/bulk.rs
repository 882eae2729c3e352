//! Many dead letters at once: choose, see what would happen, confirm, watch.

use actix_web::{
    HttpResponse,
    rt::{self, time::sleep},
    web::Query,
};
use askama::Template;
use serde::Deserialize;

use super::dead_letters::totals;
use crate::{
    answer::{page, see},
    api::{
        Service,
        dead_letters::{self, DeadLetter, Group},
    },
    bulk::{Act, Job, Progress, Scope, run},
    failure::Failure,
    frame::{Frame, Place},
    live::TICK,
    session::CallError,
    sse::{Fragment, Look, watch},
    viewer::{Admin, Change, Nothing, Viewer},
};

/// Letters of a group on a page.
const ROWS: usize = 100;
/// Calls that look for them.
const LOOKS: usize = 10;
const JOB: &str = "/dead-letters/job";

#[derive(Template)]
#[template(path = "dead_letter_group.html")]
struct GroupPage {
    frame: Frame,
    group: Group,
    letters: Vec<DeadLetter>,
    /// The query of the next page.
    later: Option<String>,
}

#[derive(Template)]
#[template(path = "bulk_question.html")]
struct QuestionPage {
    frame: Frame,
    form: BulkForm,
    /// `None` if the service could not count in time.
    count: Option<u64>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    base: String,
    title: String,
    done: &'static str,
    progress: Progress,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "job_progress.html")]
struct JobProgress<'a> {
    base: &'a str,
    done: &'static str,
    progress: &'a Progress,
}

#[derive(Deserialize)]
pub struct Wanted {
    stream: String,
    reason: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    cursor: String,
}

/// Of a form whose field `id` may come many times.
struct BulkForm {
    group: Group,
    ids: Vec<String>,
    is_all: bool,
    is_discard: bool,
    why: String,
}

pub async fn choose(admin: Admin, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let Wanted { stream, reason, kind, mut cursor } = wanted.into_inner();
    let group = Group { stream, reason, kind };
    let service = Service::reading(&group.stream).ok_or(Failure::NotFound)?;
    let mut letters = Vec::new();
    for _ in 0..LOOKS {
        let found = admin.read(dead_letters::list(service, &group.stream, &cursor)).await?;
        letters.extend(found.data.into_iter().filter(|letter| Group::of(letter) == group));
        cursor = found.next_cursor.unwrap_or_default();
        if cursor.is_empty() || letters.len() >= ROWS {
            break;
        }
    }
    let escaped: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
    let later = (!cursor.is_empty()).then(|| format!("{}&cursor={escaped}", group.query()));
    page(GroupPage { frame: admin.frame(Place::DeadLetters, "Dead letters"), group, letters, later }.render())
}

/// A dry run: counts, and asks.
pub async fn ask(change: Change<Vec<(String, String)>>) -> Result<HttpResponse, Failure> {
    let admin = change.viewer.into_admin()?;
    let form = BulkForm::read(change.form)?;
    let count = if form.is_all { counted(&admin, &form.group).await? } else { Some(form.ids.len() as u64) };
    page(QuestionPage { frame: admin.frame(Place::DeadLetters, "Dead letters"), form, count }.render())
}

pub async fn begin(change: Change<Vec<(String, String)>>) -> Result<HttpResponse, Failure> {
    let admin = change.viewer.into_admin()?;
    let form = BulkForm::read(change.form)?;
    let act = form.act()?;
    let scope = if form.is_all { all(&admin, form.group).await? } else { Scope::Chosen(form.ids) };
    match admin.site.jobs.begin(&admin.site.sessions, &admin.cookie, Job::new(act, scope)) {
        Some(job) => drop(rt::spawn(run(admin.caller(), job))),
        None => admin.session.tell("Nothing was begun: this job is not over yet. Wait for it, or stop it."),
    }
    Ok(see(&admin.site.base, JOB))
}

pub async fn show(admin: Admin) -> Result<HttpResponse, Failure> {
    let Some(job) = admin.site.jobs.of(&admin.cookie) else {
        return Ok(see(&admin.site.base, Place::DeadLetters.path()));
    };
    let job_page = JobPage {
        frame: admin.frame(Place::DeadLetters, "Dead letters"),
        base: admin.site.base.clone(),
        title: job.title(),
        done: job.act.done(),
        progress: job.progress(),
    };
    page(job_page.render())
}

/// Ends with the job.
pub async fn live(admin: Admin) -> HttpResponse {
    watch(admin.into_viewer(), async |viewer: &Viewer| {
        sleep(TICK).await;
        let Some(job) = viewer.site.jobs.of(&viewer.cookie) else { return Ok(Look::Final(Vec::new())) };
        let progress = job.progress();
        let html = JobProgress { base: &viewer.site.base, done: job.act.done(), progress: &progress };
        let fragments = vec![Fragment { part: "job", html: html.render().unwrap_or_default() }];
        Ok(if progress.is_over() { Look::Final(fragments) } else { Look::Live(fragments) })
    })
}

pub async fn stop(change: Change<Nothing>) -> Result<HttpResponse, Failure> {
    let admin = change.viewer.into_admin()?;
    if let Some(job) = admin.site.jobs.of(&admin.cookie) {
        job.stop();
    }
    Ok(see(&admin.site.base, JOB))
}

/// A service with too many letters may not count them in time.
async fn counted(admin: &Admin, group: &Group) -> Result<Option<u64>, Failure> {
    let service = Service::reading(&group.stream).ok_or(Failure::NotFound)?;
    match admin.read(dead_letters::count(service, group)).await {
        Ok(counted) => Ok(Some(counted.matched)),
        Err(CallError::Api(error)) if error.is_passing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All that are there now.
async fn all(admin: &Admin, group: Group) -> Result<Scope, Failure> {
    let service = Service::reading(&group.stream).ok_or(Failure::NotFound)?;
    let totals = totals(admin, service).await?;
    let of_oldest = totals.get(group.stream.as_str()).copied().unwrap_or_default();
    Ok(Scope::All { group, of_oldest })
}

impl QuestionPage {
    fn letters(&self) -> String {
        match self.count {
            Some(1) => "1 dead letter".to_owned(),
            Some(count) => format!("{count} dead letters"),
            None => "all dead letters".to_owned(),
        }
    }
}

impl BulkForm {
    fn read(fields: Vec<(String, String)>) -> Result<Self, Failure> {
        let field = |wanted: &str| {
            let found = fields.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let group = Group { stream: field("stream"), reason: field("reason"), kind: field("type") };
        let wanted = field("do");
        let (verb, scope) = wanted.split_once('-').unwrap_or_default();
        let why = field("why");
        let is_all = scope == "all";
        let ids = fields.into_iter().filter(|(name, _)| name == "id").map(|(_, id)| id);
        let form = Self { group, ids: ids.collect(), is_all, is_discard: verb == "discard", why };
        match (verb, scope) {
            ("redrive" | "discard", "all") => Ok(form),
            ("redrive" | "discard", "chosen") if !form.ids.is_empty() => Ok(form),
            ("redrive" | "discard", "chosen") => {
                Err(Failure::Malformed("no dead letter is chosen".to_owned()))
            }
            _ => Err(Failure::Malformed("the form says neither redrive nor discard".to_owned())),
        }
    }

    fn act(&self) -> Result<Act, Failure> {
        let reason = self.why.trim();
        match (self.is_discard, reason) {
            (false, _) => Ok(Act::Redrive),
            (true, "") => Err(Failure::Malformed("a reason is needed to discard".to_owned())),
            (true, reason) => Ok(Act::Discard { reason: reason.to_owned() }),
        }
    }

    fn verb(&self) -> &'static str {
        if self.is_discard { "Discard" } else { "Redrive" }
    }

    /// The field `do` of the next form.
    fn action(&self) -> &'static str {
        match (self.is_discard, self.is_all) {
            (true, true) => "discard-all",
            (true, false) => "discard-chosen",
            (false, true) => "redrive-all",
            (false, false) => "redrive-chosen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<BulkForm, Failure> {
        BulkForm::read(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_form_names_one_two_or_all_letters() {
        let chosen = read(&[("do", "redrive-chosen"), ("id", "a"), ("id", "b")]).expect("a form");
        assert_eq!((chosen.ids.len(), chosen.action()), (2, "redrive-chosen"));
        assert!(read(&[("do", "discard-all"), ("stream", "refund_order")]).is_ok_and(|form| form.is_all));
        for wrong in [&[("do", "discard-chosen")][..], &[("do", "eat-all")], &[]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_discard_needs_a_reason() {
        let without = read(&[("do", "discard-all"), ("why", " ")]).expect("a form");
        assert!(without.act().is_err());
        let with = read(&[("do", "discard-all"), ("why", "a test")]).expect("a form");
        assert_eq!(with.act().ok(), Some(Act::Discard { reason: "a test".to_owned() }));
    }
}
