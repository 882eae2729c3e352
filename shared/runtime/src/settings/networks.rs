use std::net::IpAddr;

use ipnet::IpNet;

use super::Value;

/// Addresses and networks, separated by commas: `10.0.0.0/8, 192.0.2.7, 2001:db8::/32`. Empty text is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether `address` is in one of them. IPv4 in IPv6 (`::ffff:192.0.2.7`) counts as IPv4.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl Value for Networks {
    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| format!("expected addresses or networks such as 10.0.0.0/8,192.0.2.7, got `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_of_the_list_or_in_none() {
        let networks = Networks::parse("10.0.0.0/8, 192.0.2.7,2001:db8::/32").unwrap();
        for (address, expected) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:192.0.2.7", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contain(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn no_text_is_no_network_and_a_wrong_one_is_refused() {
        assert_eq!(Networks::parse(""), Ok(Networks::default()));
        for wrong in ["10.0.0.0/33", "proxy", "10.0.0.1:80", "10.0.0.0/8;::1"] {
            assert!(Networks::parse(wrong).is_err(), "{wrong}");
        }
    }
}
