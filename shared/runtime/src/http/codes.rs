//! Every `code` of a problem. A code is stable: programs decide by it.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Type, schema::Schema},
};

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The member `code`.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// One sentence.
    pub meaning: &'static str,
    /// What the client can do.
    pub way_out: &'static str,
}

const fn code(status: u16, name: &'static str, meaning: &'static str, way_out: &'static str) -> Code {
    Code { name, status, meaning, way_out }
}

const SAME_AGAIN: &str = "Send the same request again after `Retry-After`.";
const LOG_IN: &str = "Log in again, or refresh the session.";

/// By status. Handlers, the proxy, the OpenAPI documents and `docs/problems.md` use these and no others.
pub const CODES: &[Code] = &[
    code(
        400,
        "invalid-request",
        "A part of the request breaks a rule.",
        "Mend what `errors` names: each has a JSON pointer, a parameter or a header, and the rule.",
    ),
    code(400, "malformed-json", "The body is not JSON.", "Send JSON (RFC 8259); `detail` has the place."),
    code(
        400,
        "broken-body",
        "The body ended early, or its transfer coding is broken.",
        "Send the whole body.",
    ),
    code(400, "malformed-request", "The request cannot be read as HTTP.", "Send HTTP/1.1 (RFC 9112)."),
    code(
        401,
        "missing-token",
        "The call needs an access token.",
        "Send `Authorization: Bearer <token>`; `POST /auth/login` issues tokens.",
    ),
    code(401, "invalid-token", "The access token cannot be verified.", LOG_IN),
    code(401, "expired-token", "The access token has expired.", LOG_IN),
    code(
        401,
        "revoked-token",
        "The access token was revoked: its account or session changed or ended.",
        "Log in again.",
    ),
    code(401, "invalid-credentials", "The e-mail or the password is wrong.", "Correct them."),
    code(
        401,
        "invalid-refresh-token",
        "The refresh token is unknown, used or expired, or its session has ended.",
        "Log in again.",
    ),
    code(
        403,
        "forbidden",
        "The role of the caller may not do this.",
        "Use an account of a role that `detail` names.",
    ),
    code(
        403,
        "insufficient-scope",
        "The token of the service lacks the scope of this call.",
        "Request a token with the scope that `WWW-Authenticate` names.",
    ),
    code(403, "account-disabled", "The account is disabled.", "Ask an ADMIN to enable it."),
    code(403, "wrong-password", "The current password is wrong.", "Correct it."),
    code(
        403,
        "faults-disabled",
        "Fault injection is off.",
        "Start the service with the setting `faults` on; never in production.",
    ),
    code(
        404,
        "not-found",
        "There is no such resource, or it belongs to somebody else.",
        "Check the id and the path.",
    ),
    code(
        404,
        "unknown-product",
        "Some of the ordered products do not exist.",
        "Remove the items that `errors` names.",
    ),
    code(
        405,
        "method-not-allowed",
        "The resource has no such method.",
        "Use a method that the header `Allow` names.",
    ),
    code(
        408,
        "head-timeout",
        "The head of the request came too slowly.",
        "Send the request again, without pauses.",
    ),
    code(
        408,
        "body-timeout",
        "The body came too slowly.",
        "Send the request again, without pauses, or a smaller one.",
    ),
    code(
        408,
        "request-timeout",
        "The request came too slowly for the proxy.",
        "Send the request again, without pauses.",
    ),
    code(409, "email-taken", "An account with this e-mail exists.", "Log in, or use another e-mail."),
    code(409, "last-admin", "The account is the last enabled ADMIN.", "Make another account ADMIN first."),
    code(
        409,
        "client-exists",
        "An OAuth client with this id exists.",
        "Use another id, or give the client a new secret.",
    ),
    code(
        409,
        "rotation-in-progress",
        "A new signing key is published and does not sign yet.",
        "Wait until it signs, or retire it.",
    ),
    code(
        409,
        "only-signing-key",
        "The key signs, and no other one is published.",
        "Publish another key first: `POST /ops/keys`.",
    ),
    code(
        409,
        "price-changed",
        "The order costs another total than `expected_total`, and was not placed.",
        "Send it with a total that the customer agrees to: `total` and `items` have the current prices.",
    ),
    code(
        409,
        "sku-taken",
        "A product with this SKU is on sale.",
        "Use another SKU, change the product with PUT, or delete it first.",
    ),
    code(409, "insufficient-stock", "The stock would fall below 0.", "Take at most what `detail` names."),
    code(409, "stock-too-large", "The stock would exceed 2147483647.", "Add less."),
    code(
        409,
        "refused-by-redis",
        "Redis refused the operation, which had no effect.",
        "Read the reason in the log, under `request_id`. A dead letter can be discarded.",
    ),
    code(
        409,
        "no-failpoints",
        "This build has no failpoints.",
        "Build the service with the feature `failpoints`.",
    ),
    code(
        412,
        "stale-version",
        "The resource has changed since it was read.",
        "Read it again, and send its new ETag as `If-Match`.",
    ),
    code(413, "body-too-large", "The body is larger than `body-limit`.", "Send less."),
    code(
        415,
        "unsupported-media-type",
        "The body has another media type or coding than the call reads.",
        "Send it as `detail` says.",
    ),
    code(
        422,
        "idempotency-key-reused",
        "The Idempotency-Key belongs to another request.",
        "Use a new key for a new request.",
    ),
    code(
        428,
        "precondition-required",
        "The call needs the header `If-Match`.",
        "Send the ETag of the resource as last read.",
    ),
    code(429, "too-many-requests", "The caller exceeds a limit.", "Wait as long as `Retry-After` says."),
    code(
        429,
        "too-many-attempts",
        "Too many wrong passwords were given for this e-mail.",
        "Wait as long as `Retry-After` says.",
    ),
    code(431, "head-too-large", "The head of the request is too large.", "Send fewer or shorter headers."),
    code(
        500,
        "internal-error",
        "A defect of the service.",
        "Report the `request_id`: the log has the cause under it.",
    ),
    code(
        502,
        "bad-gateway",
        "The proxy cannot read the answer of the service. The request may have taken effect.",
        "Repeat it with the same Idempotency-Key, or look first.",
    ),
    code(503, "overloaded", "The service is overloaded and did nothing.", SAME_AGAIN),
    code(
        503,
        "database-unavailable",
        "The database is not available. A change may have taken effect.",
        "Repeat it with the same Idempotency-Key, or look first.",
    ),
    code(
        503,
        "deadline-exceeded",
        "No answer was ready within `request-timeout`. The request may have taken effect.",
        "Repeat it with the same Idempotency-Key, or look first.",
    ),
    code(503, "keys-unavailable", "Tokens cannot be verified at the moment.", SAME_AGAIN),
    code(503, "actor-restarting", "A part of the service is being replaced.", SAME_AGAIN),
    code(503, "backend-unavailable", "Redis or the database is not available. Nothing was done.", SAME_AGAIN),
    code(
        503,
        "catalogue-unavailable",
        "A product cannot be looked up now. The order was not placed.",
        SAME_AGAIN,
    ),
    code(503, "unavailable", "The proxy can ask no instance of the service.", SAME_AGAIN),
    code(
        504,
        "gateway-timeout",
        "The service does not answer the proxy in time. The request may have taken effect.",
        "Repeat it with the same Idempotency-Key, or look first.",
    ),
];

impl Code {
    /// The `type` of its problems. Relative, because each service serves the page under its own address, and
    /// this project owns no domain.
    pub fn uri(&self) -> String {
        Self::uri_of(self.name)
    }

    pub(super) fn uri_of(name: &str) -> String {
        format!("/problems/{name}")
    }

    /// The code called `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        CODES.iter().find(|code| code.name == name)
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let names = CODES.iter().map(|code| code.name);
        let description = "A stable code, for programs. `docs/problems.md` explains each.";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(description))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProblemCode".into()
    }
}
