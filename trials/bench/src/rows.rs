//! Targets: figures, their yardsticks, floors and goals.

use serde::Serialize;

use super::Figure;

/// The direction of a better ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Higher,
    Lower,
}

/// A ratio against its floor and goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Below,
    /// At the floor, below the goal.
    At,
    /// At or above the goal.
    Above,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Yardstick {
    Figure(Figure),
    /// In the figure's unit.
    Limit(f64),
}

#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub ours: Figure,
    pub yardstick: Yardstick,
    /// The least acceptable ratio.
    pub floor: f64,
    /// The wanted ratio.
    pub goal: f64,
    pub better: Better,
}

/// A target with its medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub name: String,
    pub ours: f64,
    pub yardstick: f64,
    /// `ours` divided by `yardstick`.
    pub ratio: f64,
    pub floor: f64,
    pub goal: f64,
    pub better: Better,
    pub verdict: Verdict,
}

/// Set before the first measurement (`docs/benchmarks/README.md`).
pub const TARGETS: [Target; 16] = [
    higher("end to end, 100 products / Y1", Figure::Confirmed, Figure::Y1, 1.3, 2.0),
    higher("end to end, 100 products / Y1s", Figure::Confirmed, Figure::Y1s, 0.6, 1.0),
    higher("one hot product / 100 products", Figure::HotConfirmed, Figure::Confirmed, 0.8, 0.95),
    higher("hot product's consumer alone / Y2", Figure::HotConsumed, Figure::Y2, 10.0, 20.0),
    higher("accepted, consumers stopped / Y1", Figure::AcceptedAlone, Figure::Y1, 3.0, 4.5),
    higher("completed / accepted", Figure::Confirmed, Figure::Accepted, 0.95, 0.99),
    lower(
        "POST p50, one connection / without group commit",
        Figure::SingleP50,
        Yardstick::Figure(Figure::UngroupedP50),
        1.1,
        1.0,
    ),
    // 50 ms at most, 20 ms wanted.
    lower(
        "POST to the end at 300 orders/s, p99 / 50 ms",
        Figure::End300P99,
        Yardstick::Limit(50.0),
        1.0,
        0.4,
    ),
    higher("beside many stored orders / beside few", Figure::ManyStored, Figure::FewStored, 0.9, 1.0),
    higher("backlog worked off / taken in end to end", Figure::Drained, Figure::Accepted, 2.0, 4.0),
    higher("GET /products/{sku} / axum, from memory", Figure::Browsed, Figure::AxumBrowsed, 0.6, 0.9),
    at_least("orders confirmed, two instances / one", Figure::TwoByOne, 0.9, 1.0),
    at_most("processor time of an order, two instances / one", Figure::TwoByOneCpu, 1.22, 1.05),
    at_least("orders confirmed, minute 10 / minute 1", Figure::LastByFirst, 0.95, 1.0),
    at_most("memory of Redis, minute 10 / minute 1", Figure::RedisLastByFirst, 1.1, 1.0),
    at_most("memory of the services, minute 10 / minute 1", Figure::ServicesLastByFirst, 1.1, 1.0),
];

const fn higher(name: &'static str, ours: Figure, theirs: Figure, floor: f64, goal: f64) -> Target {
    Target { name, ours, yardstick: Yardstick::Figure(theirs), floor, goal, better: Better::Higher }
}

const fn lower(name: &'static str, ours: Figure, yardstick: Yardstick, floor: f64, goal: f64) -> Target {
    Target { name, ours, yardstick, floor, goal, better: Better::Lower }
}

/// `ours` is a ratio itself.
const fn at_least(name: &'static str, ours: Figure, floor: f64, goal: f64) -> Target {
    Target { name, ours, yardstick: Yardstick::Limit(1.0), floor, goal, better: Better::Higher }
}

const fn at_most(name: &'static str, ours: Figure, floor: f64, goal: f64) -> Target {
    lower(name, ours, Yardstick::Limit(1.0), floor, goal)
}

impl Target {
    /// `None` unless both figures were measured.
    pub fn row(&self, median: impl Fn(Figure) -> Option<f64>) -> Option<Row> {
        let ours = median(self.ours)?;
        let yardstick = match self.yardstick {
            Yardstick::Figure(figure) => median(figure)?,
            Yardstick::Limit(limit) => limit,
        };
        let ratio = ours / yardstick;
        let Self { floor, goal, better, .. } = *self;
        let verdict = Verdict::of(ratio, floor, goal, better);
        Some(Row { name: self.name.to_owned(), ours, yardstick, ratio, floor, goal, better, verdict })
    }
}

impl Verdict {
    /// A ratio equal to a mark reaches it.
    #[must_use]
    pub fn of(ratio: f64, floor: f64, goal: f64, better: Better) -> Self {
        let reaches = |mark: f64| match better {
            Better::Higher => ratio >= mark,
            Better::Lower => ratio <= mark,
        };
        match (reaches(floor), reaches(goal)) {
            (_, true) => Self::Above,
            (true, false) => Self::At,
            (false, false) => Self::Below,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::At => "at",
            Self::Above => "above",
        }
    }
}

impl Row {
    /// The ratio in goals.
    #[must_use]
    pub fn share(&self) -> f64 {
        share(self.ratio, self.goal, self.better)
    }

    /// The floor in goals.
    #[must_use]
    pub fn floor_share(&self) -> f64 {
        share(self.floor, self.goal, self.better)
    }
}

fn share(ratio: f64, goal: f64, better: Better) -> f64 {
    match better {
        Better::Higher => ratio / goal,
        Better::Lower => goal / ratio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_below_its_floor_at_it_or_above_its_goal() {
        let higher = |ratio| Verdict::of(ratio, 1.3, 2.0, Better::Higher);
        assert_eq!(
            [1.29, 1.3, 1.99, 2.0].map(higher),
            [Verdict::Below, Verdict::At, Verdict::At, Verdict::Above]
        );
        let lower = |ratio| Verdict::of(ratio, 1.1, 1.0, Better::Lower);
        assert_eq!(
            [1.2, 1.1, 1.01, 1.0].map(lower),
            [Verdict::Below, Verdict::At, Verdict::At, Verdict::Above]
        );
        assert_eq!(higher(f64::NAN), Verdict::Below);
    }

    #[test]
    fn a_row_needs_both_its_figures_unless_its_yardstick_is_a_number() {
        let measured = |figure| {
            (figure == Figure::Confirmed || figure == Figure::Y1)
                .then_some(f64::from(if figure == Figure::Y1 { 100 } else { 150 }))
        };
        let rows: Vec<Row> = TARGETS.iter().filter_map(|target| target.row(measured)).collect();
        assert_eq!(rows.len(), 1);
        assert!((rows[0].ratio - 1.5).abs() < 1e-9 && rows[0].verdict == Verdict::At);
        let limited = TARGETS[7].row(|figure| (figure == Figure::End300P99).then_some(10.0)).expect("a row");
        assert!((limited.ratio - 0.2).abs() < 1e-9 && limited.verdict == Verdict::Above);
    }

    #[test]
    fn every_floor_is_easier_than_its_goal() {
        for target in TARGETS {
            assert_eq!(
                Verdict::of(target.floor, target.floor, target.goal, target.better),
                Verdict::At,
                "{}",
                target.name
            );
        }
    }

    #[test]
    fn on_the_scale_of_the_chart_the_goal_is_one_whichever_way_is_good() {
        let row = |target: Target, ours| {
            target.row(|figure| Some(if figure == target.ours { ours } else { 1.0 })).expect("a row")
        };
        assert!((row(TARGETS[0], 1.0).share() - 0.5).abs() < 1e-9);
        assert!((row(TARGETS[6], 2.0).share() - 0.5).abs() < 1e-9);
    }
}
