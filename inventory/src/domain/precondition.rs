/// Versions that a client names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    Any,
    Listed(Vec<i64>),
}

/// What a change demands of the current version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    pub one_of: Option<Versions>,
    pub none_of: Option<Versions>,
}

impl Versions {
    fn contain(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(versions) => versions.contains(&version),
        }
    }
}

impl Precondition {
    /// Whether a product of this version may be changed.
    pub fn admits(&self, version: i64) -> bool {
        let is_wanted = self.one_of.as_ref().is_none_or(|wanted| wanted.contain(version));
        is_wanted && !self.none_of.as_ref().is_some_and(|unwanted| unwanted.contain(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_happens_to_a_wanted_version_only() {
        let admits = |one_of, none_of| Precondition { one_of, none_of }.admits(7);
        let listed = |versions: &[i64]| Some(Versions::Listed(versions.to_vec()));
        assert!(admits(None, None) && admits(Some(Versions::Any), None) && admits(listed(&[6, 7]), None));
        assert!(!admits(listed(&[6]), None) && !admits(listed(&[]), None), "a list of others");
        assert!(admits(None, listed(&[6])));
        assert!(!admits(None, Some(Versions::Any)) && !admits(listed(&[7]), listed(&[7])));
    }
}
