//! Logins, and what continues and ends them.

use std::{net::IpAddr, rc::Rc, time::Duration};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{
    auth::Role,
    db::Failure,
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};
use uuid::Uuid;

use super::{AccountRepository, AccountsError};
use crate::{
    domain::{
        Admission, AttemptLimits, Credentials, Email, Password, PasswordError, Rotation, Session, Standing,
        WithPassword,
    },
    store::{accounts, login_attempts, sessions},
    tokens::{AccessToken, Issuer, RefreshToken},
};

/// Handlers run concurrently: a login that waits for its hash delays no other message.
pub struct Sessions {
    pub(super) parts: Rc<SessionsParts>,
    life: Life,
}

#[derive(Clone)]
pub struct SessionsParts {
    pub repository: AccountRepository,
    pub issuer: Issuer,
    /// Of a refresh token.
    pub refresh_life: Duration,
    pub limits: AttemptLimits,
}

/// `email` is `None` for a text that is no e-mail address.
#[derive(Message)]
#[rtype(result = "Result<Login, AccountsError>")]
pub struct LogIn {
    pub source: IpAddr,
    pub email: Option<Email>,
    pub password: Password,
}

/// The answer to a login and to each refresh.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    pub account: Uuid,
    pub role: Role,
    pub session: Uuid,
    pub access: AccessToken,
    pub refresh: RefreshToken,
    pub refresh_expires_in: Duration,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Granted(Tokens),
    /// The account whose password is another; `None` for an unknown e-mail. The answers are alike.
    InvalidCredentials(Option<Uuid>),
    /// The password is right.
    Disabled(Uuid),
    /// See [`Admission::Blocked`].
    Blocked(Duration),
}

#[derive(Clone, PartialEq, Eq)]
pub enum Refreshed {
    Granted(Tokens),
    /// The session of this account has ended. The answer is that to any token that is not good.
    Reused(Uuid),
    Invalid,
}

#[derive(Message)]
#[rtype(result = "Result<Refreshed, AccountsError>")]
pub struct Refresh(pub RefreshToken);

/// Ends the session of the token, or all sessions of its account, which is the answer.
#[derive(Message)]
#[rtype(result = "Result<Option<Uuid>, AccountsError>")]
pub struct LogOut {
    pub token: RefreshToken,
    pub all: bool,
}

#[derive(Message)]
#[rtype(result = "Result<Vec<Session>, AccountsError>")]
pub struct ListSessions(pub Uuid);

/// False if the account has no such session.
#[derive(Message)]
#[rtype(result = "Result<bool, AccountsError>")]
pub struct EndSession {
    pub account: Uuid,
    pub id: Uuid,
}

/// Ends all sessions.
#[derive(Message)]
#[rtype(result = "Result<PasswordChange, AccountsError>")]
pub struct ChangePassword {
    pub source: IpAddr,
    pub account: Uuid,
    pub old: Password,
    pub new: Password,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChange {
    Changed,
    /// `old` is wrong.
    WrongPassword,
    /// `new` is.
    Weak(PasswordError),
    /// The account is gone or disabled.
    NoAccount,
    /// See [`Admission::Blocked`].
    Blocked(Duration),
}

impl Sessions {
    pub fn start(supervisor: &SupervisorHandle, parts: SessionsParts) -> Supervised<Self> {
        let make = move |life| Self { parts: Rc::new(parts.clone()), life };
        supervisor.supervise("sessions", "sessions", RestartPolicy::default(), make)
    }
}

impl Actor for Sessions {
    type Context = Context<Self>;
}

impl Handler<LogIn> for Sessions {
    type Result = ResponseFuture<Result<Login, AccountsError>>;

    fn handle(&mut self, message: LogIn, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let login = parts.log_in(message).await;
            metrics::counter!("orderflow_logins_total", "outcome" => outcome(&login)).increment(1);
            login
        })
    }
}

impl Handler<Refresh> for Sessions {
    type Result = ResponseFuture<Result<Refreshed, AccountsError>>;

    fn handle(&mut self, Refresh(shown): Refresh, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.refresh(&shown).await })
    }
}

impl Handler<LogOut> for Sessions {
    type Result = ResponseFuture<Result<Option<Uuid>, AccountsError>>;

    fn handle(&mut self, LogOut { token, all }: LogOut, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let shown = token.hash();
            let end = async |connection: &_| sessions::end_by_token(connection, &shown, all).await;
            Ok(parts.repository.until_known(end).await?)
        })
    }
}

impl Handler<ListSessions> for Sessions {
    type Result = ResponseFuture<Result<Vec<Session>, AccountsError>>;

    fn handle(&mut self, ListSessions(account): ListSessions, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let list = async |connection: &_| sessions::list(connection, account).await;
            Ok(parts.repository.until_known(list).await?)
        })
    }
}

impl Handler<EndSession> for Sessions {
    type Result = ResponseFuture<Result<bool, AccountsError>>;

    fn handle(&mut self, EndSession { account, id }: EndSession, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let end = async |connection: &_| sessions::end(connection, account, id).await;
            Ok(parts.repository.until_known(end).await?)
        })
    }
}

impl Handler<ChangePassword> for Sessions {
    type Result = ResponseFuture<Result<PasswordChange, AccountsError>>;

    fn handle(&mut self, message: ChangePassword, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.change_password(message).await })
    }
}

impl SessionsParts {
    async fn log_in(&self, LogIn { source, email, password }: LogIn) -> Result<Login, AccountsError> {
        let Some(email) = email else {
            self.repository.is_right(source, password, None).await?;
            return Ok(Login::InvalidCredentials(None));
        };
        if let Admission::Blocked(time) = self.admit(&email).await? {
            return Ok(Login::Blocked(time));
        }
        let find = async |connection: &_| accounts::find_by_email(connection, &email).await;
        let found = self.repository.until_known(find).await?;
        let known = found.as_ref().map(|found| found.account.id);
        match self.checked(source, password, found).await? {
            None => Ok(Login::InvalidCredentials(known)),
            Some(found) if found.account.disabled => Ok(Login::Disabled(found.account.id)),
            Some(found) => self
                .begin(&found)
                .await
                .map(|begun| begun.map_or(Login::InvalidCredentials(known), Login::Granted)),
        }
    }

    async fn admit(&self, email: &Email) -> Result<Admission, AccountsError> {
        let limits = self.limits;
        let admit = async |connection: &_| login_attempts::admit(connection, email, limits).await;
        Ok(self.repository.until_known(admit).await?)
    }

    /// `found`, if the password is right.
    async fn checked(
        &self,
        source: IpAddr,
        password: Password,
        found: Option<Credentials>,
    ) -> Result<Option<Credentials>, AccountsError> {
        let is_right = self.repository.is_right(source, password, found.as_ref()).await?;
        let Some(found) = found.filter(|_| is_right) else { return Ok(None) };
        let email = &found.account.email;
        let forget = async |connection: &_| login_attempts::forget(connection, email).await;
        self.repository.until_known(forget).await?;
        Ok(Some(found))
    }

    /// `None` if the account changed while its password was checked.
    async fn begin(&self, found: &Credentials) -> Result<Option<Tokens>, AccountsError> {
        let refresh = RefreshToken::generate()?;
        let (id, hash, life) = (Uuid::now_v7(), refresh.hash(), self.refresh_life);
        let begin = async |connection: &_| sessions::begin(connection, id, found, &hash, life).await;
        let Some(standing) = self.repository.until_known(begin).await? else { return Ok(None) };
        self.tokens(found.account.id, id, standing, refresh).map(Some)
    }

    async fn refresh(&self, shown: &RefreshToken) -> Result<Refreshed, AccountsError> {
        let next = RefreshToken::generate()?;
        let (shown, hash, life) = (shown.hash(), next.hash(), self.refresh_life);
        let rotate = async |connection: &_| sessions::rotate(connection, &shown, &hash, life).await;
        match self.repository.until_known(rotate).await? {
            Rotation::Rotated { account, session, standing } => {
                self.tokens(account, session, standing, next).map(Refreshed::Granted)
            }
            Rotation::Reused { account } => {
                metrics::counter!("orderflow_refresh_reuse_total").increment(1);
                Ok(Refreshed::Reused(account))
            }
            Rotation::Invalid => Ok(Refreshed::Invalid),
        }
    }

    fn tokens(
        &self,
        account: Uuid,
        session: Uuid,
        standing: Standing,
        refresh: RefreshToken,
    ) -> Result<Tokens, AccountsError> {
        let access = self.issuer.for_account(account, session, standing)?;
        Ok(Tokens {
            account,
            role: standing.role,
            session,
            access,
            refresh,
            refresh_expires_in: self.refresh_life,
        })
    }

    /// The enabled account, if `password` is its password. Wrong ones count as logins.
    pub(super) async fn proven(
        &self,
        source: IpAddr,
        account: Uuid,
        password: Password,
    ) -> Result<WithPassword<Credentials>, AccountsError> {
        let find = async |connection: &_| accounts::find_credentials(connection, account).await;
        let found = self.repository.until_known(find).await?;
        let Some(found) = found.filter(|found| !found.account.disabled) else {
            return Ok(WithPassword::NoAccount);
        };
        if let Admission::Blocked(time) = self.admit(&found.account.email).await? {
            return Ok(WithPassword::Blocked(time));
        }
        let is_right = self.checked(source, password, Some(found.clone())).await?.is_some();
        Ok(if is_right { WithPassword::Right(found) } else { WithPassword::Wrong })
    }

    async fn change_password(&self, message: ChangePassword) -> Result<PasswordChange, AccountsError> {
        let ChangePassword { source, account, old, new } = message;
        let found = match self.proven(source, account, old).await? {
            WithPassword::Right(found) => found,
            WithPassword::Wrong => return Ok(PasswordChange::WrongPassword),
            WithPassword::NoAccount => return Ok(PasswordChange::NoAccount),
            WithPassword::Blocked(time) => return Ok(PasswordChange::Blocked(time)),
        };
        let new = match new.unless_weak(&found.account.email) {
            Ok(new) => self.repository.hasher.hash(source, new).await?,
            Err(weak) => return Ok(PasswordChange::Weak(weak)),
        };
        let change = async |connection: &_| {
            accounts::change_password(connection, account, &found.password_hash, &new).await
        };
        // Another call may have changed it meanwhile.
        let changed = self.repository.until_known(change).await?;
        Ok(if changed { PasswordChange::Changed } else { PasswordChange::WrongPassword })
    }
}

/// The labels of `orderflow_logins_total`.
pub const LOGINS: [&str; 7] =
    ["granted", "invalid-credentials", "disabled", "blocked", "busy", "unavailable", "failed"];

fn outcome(login: &Result<Login, AccountsError>) -> &'static str {
    match login {
        Ok(Login::Granted(_)) => "granted",
        Ok(Login::InvalidCredentials(_)) => "invalid-credentials",
        Ok(Login::Disabled(_)) => "disabled",
        Ok(Login::Blocked(_)) => "blocked",
        Err(AccountsError::Busy) => "busy",
        Err(AccountsError::Database(Failure::Unavailable(_))) => "unavailable",
        Err(_) => "failed",
    }
}

drains_at_once!(Sessions);
