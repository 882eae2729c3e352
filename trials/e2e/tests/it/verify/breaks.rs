//! The damages, each with its repair.

use ctl::stack::Kind;

use super::Scene;

/// A damage, its repair, and the invariants it breaks.
pub(super) struct Break {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) how: String,
    pub(super) mend: String,
    pub(super) red: &'static [&'static str],
    /// Of them, those that need no log of a client and no entry in Redis.
    pub(super) red_without_log: &'static [&'static str],
    pub(super) offender: String,
}

impl Break {
    /// Prepends to the damage.
    fn broken_by(self, first: &str) -> Self {
        Self { how: format!("{first}; {}", self.how), ..self }
    }

    fn without_log(self, red_without_log: &'static [&'static str]) -> Self {
        Self { red_without_log, ..self }
    }

    /// Appends to the repair.
    fn mended_by(self, last: &str) -> Self {
        Self { mend: format!("{}; {last}", self.mend), ..self }
    }
}

/// Restores the row from a copy.
fn row(
    name: &'static str,
    kind: Kind,
    table: &str,
    how: String,
    red: &'static [&'static str],
    offender: &str,
) -> Break {
    let how = format!("CREATE TABLE kept AS SELECT * FROM {table}; {how}");
    let mend = format!(
        "DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept"
    );
    Break { name, kind, how, mend, red, red_without_log: red, offender: offender.to_owned() }
}

pub(super) async fn breaks(scene: &Scene) -> Vec<Break> {
    let Scene { confirmed, refunded, declined, .. } = scene;
    let of = |id: &str| format!("WHERE id = '{id}'");
    let reply = scene
        .text(
            Kind::Inventory,
            &format!("SELECT reply::json->>'id' FROM inbox WHERE reply LIKE '%{confirmed}%'"),
        )
        .await;
    let product = scene
        .text(Kind::Payment, "SELECT min(event_id::text) FROM inbox WHERE event_id < (SELECT id FROM orders ORDER BY id LIMIT 1)")
        .await;
    let payment = |name, table: &str, how: String, red, offender: &str| {
        row(name, Kind::Payment, table, how, red, offender)
    };
    let order = |name, id: &str, set: &str, red| {
        row(name, Kind::Payment, "orders", format!("UPDATE orders SET {set} {}", of(id)), red, id)
    };
    let no_check = "ALTER TABLE products DROP CONSTRAINT products_on_hand_never_negative;";
    let ledger = |name, how: &str, red, offender| {
        row(name, Kind::Inventory, "stock_ledger", how.to_owned(), red, offender)
    };
    let open = "status = 'completed', version = 2, ended_at = NULL, created_at = now() - interval '1 hour'";
    vec![
        Break {
            name: "one more on hand than the ledger says",
            kind: Kind::Inventory,
            how: "UPDATE products SET on_hand = on_hand + 1 WHERE sku = 'MUG'".to_owned(),
            mend: "UPDATE products SET on_hand = on_hand - 1 WHERE sku = 'MUG'".to_owned(),
            red: &["I1"],
            red_without_log: &["I1"],
            offender: "MUG".to_owned(),
        },
        Break {
            name: "less than nothing on hand",
            kind: Kind::Inventory,
            how: format!("{no_check} UPDATE products SET on_hand = -1 WHERE sku = 'RARE'"),
            mend: "UPDATE products SET on_hand = 1 WHERE sku = 'RARE';
                   ALTER TABLE products ADD CONSTRAINT products_on_hand_never_negative CHECK (on_hand >= 0)"
                .to_owned(),
            red: &["I1", "I2"],
            red_without_log: &["I1", "I2"],
            offender: "RARE".to_owned(),
        },
        ledger(
            "a balance that does not follow",
            "UPDATE stock_ledger SET balance = 9 WHERE sku = 'MUG' AND delta = 10",
            &["I1"],
            "MUG",
        ),
        ledger(
            "no stock taken for a sale",
            &format!("DELETE FROM stock_ledger WHERE order_id = '{confirmed}'"),
            &["I1", "I10"],
            confirmed,
        ),
        row(
            "no inbox row for an event with effect",
            Kind::Inventory,
            "inbox",
            format!("DELETE FROM inbox WHERE reply LIKE '%{confirmed}%'"),
            &["I7"],
            confirmed,
        ),
        payment(
            "no inbox row for a reply",
            "inbox",
            format!("DELETE FROM inbox WHERE event_id = '{reply}'"),
            &["I7"],
            confirmed,
        ),
        payment(
            "a product change without inbox row",
            "inbox",
            format!("DELETE FROM inbox WHERE event_id = '{product}'"),
            &["I7"],
            &product,
        )
        .without_log(&[]),
        payment(
            "a refund too many",
            "provider.refunds",
            format!(
                "INSERT INTO provider.refunds SELECT order_id, 're_x', amount FROM provider.charges WHERE order_id = '{confirmed}'"
            ),
            &["I5"],
            confirmed,
        ),
        payment(
            "a refund too few",
            "provider.refunds",
            "DELETE FROM provider.refunds".to_owned(),
            &["I5"],
            refunded,
        ),
        Break {
            name: "a charge of a declined order",
            kind: Kind::Payment,
            how: format!("INSERT INTO provider.charges VALUES ('{declined}', 'ch_x', 1000, 'EUR', 'tok_ok')"),
            mend: "DELETE FROM provider.charges WHERE charge_id = 'ch_x'".to_owned(),
            red: &["I5"],
            red_without_log: &["I5"],
            offender: declined.clone(),
        },
        payment(
            "an old price in payment's catalogue",
            "catalogue",
            "UPDATE catalogue SET price = price + 1, version = version - 1 WHERE sku = 'MUG'".to_owned(),
            &["I12"],
            "MUG",
        ),
        order(
            "a sale that says it was refunded",
            confirmed,
            "status = 'refunded', refund_id = 're_x', reason = 'x'",
            &["I1", "I5", "I6", "I10"],
        )
        .without_log(&["I1", "I5", "I10"]),
        order("a time that goes back", confirmed, "ended_at = '2020-01-01'", &["I6"]),
        order("two ends", confirmed, "version = 4", &["I6"])
            .broken_by("ALTER TABLE orders DROP CONSTRAINT orders_version_counts_steps")
            .mended_by("ALTER TABLE orders ADD CONSTRAINT orders_version_counts_steps CHECK (version <= 3)"),
        // The client log has a later status than the database.
        order("an order that stays open", confirmed, open, &["I4", "I6"]).without_log(&["I4"]),
        order(
            "other items than were sent",
            declined,
            "items = jsonb_set(items::jsonb, '{0,quantity}', '5')::json",
            &["I3"],
        )
        .without_log(&[]),
        order("an owner who is no account", declined, "user_id = gen_random_uuid()", &["I3", "I9"])
            .without_log(&["I9"]),
        payment(
            "a key that stands for two orders",
            "orders",
            format!(
                "UPDATE orders o SET user_id = k.user_id, idempotency_key = k.idempotency_key
                 FROM orders k WHERE o.id = '{declined}' AND k.id = '{confirmed}'"
            ),
            &["I3", "I8"],
            &scene.first_key().1,
        )
        .without_log(&["I8"])
        .broken_by("ALTER TABLE orders DROP CONSTRAINT orders_key_once")
        .mended_by("ALTER TABLE orders ADD CONSTRAINT orders_key_once UNIQUE (user_id, idempotency_key)"),
        payment(
            "an order that is lost",
            "orders",
            format!("DELETE FROM orders {}", of(declined)),
            &["I3", "I6"],
            declined,
        )
        .without_log(&[]),
    ]
}
