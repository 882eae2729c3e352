use crate::{api::accounts::Account, assets, session::Notice};

/// The layout around every page.
pub struct Frame {
    /// The path of the console at its proxy.
    pub base: String,
    pub title: String,
    pub here: Place,
    pub account: Option<Account>,
    pub csrf: String,
    pub notice: Option<Notice>,
}

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Now,
    Orders,
    Streams,
    DeadLetters,
    Products,
    Accounts,
    Audit,
    Invariants,
    Faults,
    Shop,
    Elsewhere,
}

impl Place {
    const OF_ADMIN: [Self; 9] = [
        Self::Now,
        Self::Orders,
        Self::Streams,
        Self::DeadLetters,
        Self::Products,
        Self::Accounts,
        Self::Audit,
        Self::Invariants,
        Self::Faults,
    ];
    const OF_USER: [Self; 2] = [Self::Shop, Self::Orders];

    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Orders => "Orders",
            Self::Streams => "Streams",
            Self::DeadLetters => "Dead letters",
            Self::Products => "Products",
            Self::Accounts => "Accounts",
            Self::Audit => "Audit trail",
            Self::Invariants => "Invariants",
            Self::Faults => "Break something",
            Self::Shop => "Shop",
            Self::Elsewhere => "",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Now | Self::Elsewhere => "/",
            Self::Orders => "/orders",
            Self::Streams => "/streams",
            Self::DeadLetters => "/dead-letters",
            Self::Products => "/products",
            Self::Accounts => "/accounts",
            Self::Audit => "/audit",
            Self::Invariants => "/invariants",
            Self::Faults => "/faults",
            Self::Shop => "/shop",
        }
    }
}

impl Frame {
    /// For somebody who is not logged in.
    pub fn anonymous(base: &str, title: &str) -> Self {
        Self {
            base: base.to_owned(),
            title: title.to_owned(),
            here: Place::Elsewhere,
            account: None,
            csrf: String::new(),
            notice: None,
        }
    }

    pub fn menu(&self) -> &'static [Place] {
        match &self.account {
            Some(account) if account.is_admin() => &Place::OF_ADMIN,
            Some(_) => &Place::OF_USER,
            None => &[],
        }
    }

    pub fn is_here(&self, place: &Place) -> bool {
        self.here == *place
    }

    /// The address of a file, which changes with its content.
    pub fn asset(&self, name: &str) -> String {
        format!("{}/assets/{name}?v={}", self.base, assets::version(name))
    }
}
