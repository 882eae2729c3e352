//! The rules of the protocol: a model without one of them must fail.

#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The inbox row is unique, in the effect's transaction.
    pub inbox_decides: bool,
    pub outbox_in_transaction: bool,
    pub ack_after_commit: bool,
    /// Created at `0` instead of `$`.
    pub group_from_start: bool,
    pub resend_until_confirmed: bool,
    /// The stored reply is sent again.
    pub duplicate_is_answered: bool,
    pub charge_idempotent: bool,
    pub refund_idempotent: bool,
    /// A CHECK keeps stock at 0 or above.
    pub stock_guard: bool,
    pub refused_holds_are_released: bool,
    /// A shortage counts only after a query.
    pub shortage_is_looked_up: bool,
    /// (user, key) is unique.
    pub key_unique: bool,
    /// Every update names the status it leaves.
    pub transitions_are_checked: bool,
    /// Orders that stay `pending` are charged again.
    pub reconciler_runs: bool,
    /// The reason for an unmoved order is queried after the statement, whose snapshot is older.
    pub reason_is_looked_up: bool,
    /// A response with the recorded end shows the order read again.
    pub end_is_looked_up: bool,
}

pub type Break = fn(&mut Rules);

impl Rules {
    pub const REAL: Self = Self {
        inbox_decides: true,
        outbox_in_transaction: true,
        ack_after_commit: true,
        group_from_start: true,
        resend_until_confirmed: true,
        duplicate_is_answered: true,
        charge_idempotent: true,
        refund_idempotent: true,
        stock_guard: true,
        refused_holds_are_released: true,
        shortage_is_looked_up: true,
        key_unique: true,
        transitions_are_checked: true,
        reconciler_runs: true,
        reason_is_looked_up: true,
        end_is_looked_up: true,
    };

    pub const BREAKS: [(&'static str, Break); 16] = [
        ("inbox_decides", |rules| rules.inbox_decides = false),
        ("outbox_in_transaction", |rules| rules.outbox_in_transaction = false),
        ("ack_after_commit", |rules| rules.ack_after_commit = false),
        ("group_from_start", |rules| rules.group_from_start = false),
        ("resend_until_confirmed", |rules| rules.resend_until_confirmed = false),
        ("duplicate_is_answered", |rules| rules.duplicate_is_answered = false),
        ("charge_idempotent", |rules| rules.charge_idempotent = false),
        ("refund_idempotent", |rules| rules.refund_idempotent = false),
        ("stock_guard", |rules| rules.stock_guard = false),
        ("refused_holds_are_released", |rules| rules.refused_holds_are_released = false),
        ("shortage_is_looked_up", |rules| rules.shortage_is_looked_up = false),
        ("key_unique", |rules| rules.key_unique = false),
        ("transitions_are_checked", |rules| rules.transitions_are_checked = false),
        ("reconciler_runs", |rules| rules.reconciler_runs = false),
        ("reason_is_looked_up", |rules| rules.reason_is_looked_up = false),
        ("end_is_looked_up", |rules| rules.end_is_looked_up = false),
    ];
}
