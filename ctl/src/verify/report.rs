use super::{Check, Judgement, Verdict};
use crate::terminal::{Colour, Paint, table};

#[must_use]
pub fn render(verdict: &Verdict, paint: Paint) -> String {
    let mut parts = vec![checks(verdict, paint)];
    parts.extend(verdict.checks.iter().filter_map(|check| details(check, paint)));
    parts.extend(not_quiet(verdict));
    parts.push(summary(verdict, paint));
    parts.join("\n\n")
}

fn checks(verdict: &Verdict, paint: Paint) -> String {
    let mut rows =
        vec![["ID", "INVARIANT", "WHAT WAS CHECKED", "ROWS", "VERDICT"].map(str::to_owned).to_vec()];
    // Last column: escape codes count as width.
    rows.extend(verdict.checks.iter().map(|check| {
        let verdict = match &check.judgement {
            Judgement::Holds => paint.paint(Colour::Green, "holds"),
            Judgement::Broken { count, .. } => paint.paint(Colour::Red, format!("BROKEN {count}")),
            Judgement::NotJudged { .. } => paint.paint(Colour::Yellow, "not judged"),
        };
        vec![
            check.id.to_owned(),
            check.name.to_owned(),
            check.what.to_owned(),
            check.looked_at.to_string(),
            verdict,
        ]
    }));
    table(&rows)
}

fn details(check: &Check, paint: Paint) -> Option<String> {
    match &check.judgement {
        Judgement::Holds => None,
        Judgement::NotJudged { why } => Some(format!("{} not judged: {why}", check.id)),
        Judgement::Broken { count, offenders } => {
            let mut lines = vec![paint.paint(Colour::Red, format!("{} {} is broken:", check.id, check.name))];
            lines.extend(offenders.iter().map(|offender| format!("  {offender}")));
            let more = count.saturating_sub(offenders.len() as u64);
            lines.extend((more > 0).then(|| format!("  and {more} more")));
            Some(lines.join("\n"))
        }
    }
}

fn not_quiet(verdict: &Verdict) -> Option<String> {
    let lines = verdict.not_quiet.iter().map(|reason| format!("  {reason}")).collect::<Vec<_>>().join("\n");
    (!lines.is_empty()).then(|| format!("Work in flight, judged once it is done:\n{lines}"))
}

fn summary(verdict: &Verdict, paint: Paint) -> String {
    let broken = verdict.broken().count();
    let open =
        verdict.checks.iter().filter(|check| matches!(check.judgement, Judgement::NotJudged { .. })).count();
    let open = if open > 0 { format!(", {open} not judged") } else { String::new() };
    match broken {
        0 => paint.paint(
            Colour::Green,
            format!("{} of {} invariants hold{open}", held(verdict), verdict.checks.len()),
        ),
        n => paint.paint(Colour::Red, format!("{n} of {} invariants are broken{open}", verdict.checks.len())),
    }
}

fn held(verdict: &Verdict) -> usize {
    verdict.checks.iter().filter(|check| check.judgement == Judgement::Holds).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_is_named_with_its_ids_and_the_rest_is_counted() {
        let check = |id, judgement| Check { id, name: "a name", what: "rows", looked_at: 7, judgement };
        let broken = Judgement::Broken { count: 3, offenders: vec!["order 1: odd".to_owned()] };
        let verdict = Verdict {
            checks: vec![
                check("I1", Judgement::Holds),
                check("I5", broken),
                check("I9", Judgement::NotJudged { why: "no log".to_owned() }),
            ],
            not_quiet: vec!["payment: 2 orders are not at their end".to_owned()],
        };
        let text = render(&verdict, Paint::PLAIN);
        for part in [
            "BROKEN 3",
            "  order 1: odd\n  and 2 more",
            "I9 not judged: no log",
            "2 orders are not",
            "1 of 3 invariants are broken, 1 not judged",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!verdict.holds());
    }
}
