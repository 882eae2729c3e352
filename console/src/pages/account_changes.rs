//! Changes of accounts, OAuth clients and signing keys. Each is asked about first.

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    answer::{page, see},
    api::{
        ApiError,
        accounts::{self, ClientWithSecret},
    },
    failure::Failure,
    frame::{Frame, Place},
    session::CallError,
    viewer::{Admin, Change},
};

#[derive(Template)]
#[template(path = "account_question.html")]
struct QuestionPage {
    frame: Frame,
    form: ChangeForm,
}

#[derive(Template)]
#[template(path = "client_secret.html")]
struct SecretPage {
    frame: Frame,
    client: ClientWithSecret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Disable,
    Enable,
    EndSessions,
    MakeAdmin,
    MakeUser,
    EndOwnSession,
    CreateClient,
    RotateSecret,
    RevokeClient,
    RotateKey,
    RetireKey,
}

/// The fields of both forms: the one that asks for a change, and the one that confirms it.
struct ChangeForm {
    act: Act,
    /// Of the account, session, client or key.
    id: String,
    /// For the question; the services go by the id.
    name: String,
    scopes: Vec<String>,
    is_confirmed: bool,
}

/// Asks first, and acts when that page was confirmed.
pub async fn change(change: Change<Vec<(String, String)>>) -> Result<HttpResponse, Failure> {
    let admin = change.viewer.into_admin()?;
    let form = ChangeForm::read(change.form)?;
    if !form.is_confirmed {
        return page(QuestionPage { frame: admin.frame(Place::Accounts, form.act.title()), form }.render());
    }
    match form.carry_out(&admin).await {
        Ok(Some(client)) => {
            page(SecretPage { frame: admin.frame(Place::Accounts, "Secret"), client }.render())
        }
        Ok(None) => {
            admin.session.tell(form.told());
            Ok(see(&admin.site.base, Place::Accounts.path()))
        }
        // A rule of the service, such as: the last ADMIN stays.
        Err(CallError::Api(ApiError::Refused { problem, .. })) if problem.status == 409 => {
            admin.session.tell(format!("Nothing was changed. {}", problem.detail));
            Ok(see(&admin.site.base, Place::Accounts.path()))
        }
        Err(error) => Err(error.into()),
    }
}

impl Act {
    const ALL: [(&'static str, Self); 11] = [
        ("disable", Self::Disable),
        ("enable", Self::Enable),
        ("end-sessions", Self::EndSessions),
        ("make-admin", Self::MakeAdmin),
        ("make-user", Self::MakeUser),
        ("end-own-session", Self::EndOwnSession),
        ("create-client", Self::CreateClient),
        ("rotate-secret", Self::RotateSecret),
        ("revoke-client", Self::RevokeClient),
        ("rotate-key", Self::RotateKey),
        ("retire-key", Self::RetireKey),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, act)| *act == self).map_or("", |(name, _)| name)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Disable => "Disable the account",
            Self::Enable => "Enable the account",
            Self::EndSessions => "End all sessions",
            Self::MakeAdmin => "Make ADMIN",
            Self::MakeUser => "Make USER",
            Self::EndOwnSession => "End the session",
            Self::CreateClient => "Create the client",
            Self::RotateSecret => "Give a new secret",
            Self::RevokeClient => "Revoke the client",
            Self::RotateKey => "Make a new signing key",
            Self::RetireKey => "Retire the key",
        }
    }

    fn consequence(self) -> &'static str {
        match self {
            Self::Disable => {
                "It cannot log in, and its sessions end. Its tokens are refused within a minute."
            }
            Self::Enable => "It can log in again.",
            Self::EndSessions => {
                "It is disabled, which ends its sessions, and enabled at once. Its tokens \
                 are refused within a minute."
            }
            Self::MakeAdmin => "It sees all orders and accounts, and may do all that you may.",
            Self::MakeUser => "It loses the rights of an ADMIN. Its tokens are refused within a minute.",
            Self::EndOwnSession => "Whoever uses it has to log in again. It may be the one of this browser.",
            Self::CreateClient => {
                "A program can get tokens with these scopes. The next page shows its secret once."
            }
            Self::RotateSecret => {
                "The old secret ends at once; tokens go on until they expire. The new one is shown once."
            }
            Self::RevokeClient => "It gets no tokens any more, and those it has are refused within a minute.",
            Self::RotateKey => {
                "It is published at once and signs after a while. The key before is retired when its last token \
                 has expired."
            }
            Self::RetireKey => {
                "All tokens that it signed are refused within a minute. Their users log in again."
            }
        }
    }

    fn is_danger(self) -> bool {
        matches!(self, Self::Disable | Self::MakeUser | Self::RevokeClient | Self::RetireKey)
    }
}

impl ChangeForm {
    fn read(fields: Vec<(String, String)>) -> Result<Self, Failure> {
        let field = |wanted: &str| {
            let found = fields.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let wanted = field("do");
        let known = Act::ALL.into_iter().find(|(name, _)| *name == wanted);
        let (_, act) = known.ok_or_else(|| Failure::Malformed("the form names no change".to_owned()))?;
        let (id, name, is_confirmed) = (field("id"), field("name"), field("confirmed") == "yes");
        let scopes: Vec<String> =
            fields.into_iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope).collect();
        if act == Act::CreateClient && (id.is_empty() || scopes.is_empty()) {
            return Err(Failure::Malformed("a client needs an id and a scope".to_owned()));
        }
        if id.is_empty() && act != Act::RotateKey {
            return Err(Failure::Malformed("the form does not say what to change".to_owned()));
        }
        Ok(Self { act, id, name, scopes, is_confirmed })
    }

    /// Returns the client whose secret has to be shown.
    async fn carry_out(&self, admin: &Admin) -> Result<Option<ClientWithSecret>, CallError> {
        let id = self.id.as_str();
        let call = match self.act {
            Act::CreateClient => {
                return admin.read(accounts::create_client(id, &self.scopes)).await.map(Some);
            }
            Act::RotateSecret => return admin.read(accounts::rotate_secret(id)).await.map(Some),
            Act::EndSessions => {
                admin.act(accounts::set_disabled(id, true)).await?;
                accounts::set_disabled(id, false)
            }
            Act::Disable => accounts::set_disabled(id, true),
            Act::Enable => accounts::set_disabled(id, false),
            Act::MakeAdmin => accounts::set_role(id, "ADMIN"),
            Act::MakeUser => accounts::set_role(id, "USER"),
            Act::EndOwnSession => accounts::end_session(id),
            Act::RevokeClient => accounts::revoke_client(id),
            Act::RotateKey => accounts::rotate_key(),
            Act::RetireKey => accounts::retire_key(id),
        };
        admin.act(call).await.map(|()| None)
    }

    fn told(&self) -> String {
        let of = if self.name.is_empty() { &self.id } else { &self.name };
        format!("Done: {}{}{of}.", self.act.title().to_lowercase(), if of.is_empty() { "" } else { ": " })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<ChangeForm, Failure> {
        ChangeForm::read(
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn a_form_names_a_change_and_its_subject() {
        let form = read(&[("do", "create-client"), ("id", "reports"), ("scope", "a"), ("scope", "b")]);
        assert!(form.is_ok_and(|form| form.scopes == ["a", "b"] && !form.is_confirmed));
        assert!(read(&[("do", "rotate-key"), ("confirmed", "yes")]).is_ok_and(|form| form.is_confirmed));
        for wrong in [&[("do", "create-client"), ("id", "reports")][..], &[("do", "disable")], &[("id", "1")]]
        {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn each_change_has_a_name_of_its_own() {
        assert!(Act::ALL.iter().all(|(name, act)| act.name() == *name));
    }
}
