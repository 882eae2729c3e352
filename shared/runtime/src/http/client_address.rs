//! The address a request came from.
//!
//! ```text
//!   client ──> proxy ──> proxy ──> service       X-Forwarded-For: what the client wrote, client, proxy
//!                                                 read from the right, past trusted addresses only
//! ```
//!
//! Guarantee: a client chooses no address but its own. The peer of the connection is named by TCP. Only what a
//! trusted proxy appended is read beyond it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

use crate::settings::Networks;

/// The bits of an IPv6 address that a provider gives to one customer, who chooses the others.
const IPV6_CUSTOMER: u128 = u128::MAX << 64;

/// The client of a request. IPv4 in IPv6 is shown as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client of a connection without proxies.
    pub(super) fn peer(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// Without a peer, as in tests of handlers, all requests come from 0.0.0.0.
    pub(super) fn read(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &Networks) -> Self {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let peer = Self::peer(peer);
        if !trusted.contain(peer.0) {
            return peer;
        }
        let [forwarded, x_forwarded_for] = [(FORWARDED, forwarded_for as Read), (X_FORWARDED_FOR, node)]
            .map(|(name, read)| headers.contains_key(&name).then(|| peer.hop(headers, name, read, trusted)));
        match (forwarded, x_forwarded_for) {
            (Some(one), Some(other)) if one == other => one,
            // A proxy wrote one of them and passed on the other as the client sent it.
            (Some(_), Some(_)) => peer,
            (one, other) => one.or(other).unwrap_or(peer),
        }
    }

    /// The first address from the right that is no trusted proxy.
    fn hop(self, headers: &HeaderMap, name: HeaderName, read: Read, trusted: &Networks) -> Self {
        let lines: Vec<&str> = headers.get_all(name).filter_map(|value| value.to_str().ok()).collect();
        let mut client = self;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            match read(hop.trim()) {
                Some(address) if trusted.contain(client.0) => client = Self(address.to_canonical()),
                _ => break,
            }
        }
        client
    }

    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// The unit that limits count: the address, or the /64 network of an IPv6 address.
    pub fn source(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_CUSTOMER).into(),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads one hop of a header.
type Read = fn(&str) -> Option<IpAddr>;

/// `for="[2001:db8::1]:4711";proto=https` (RFC 7239).
fn forwarded_for(hop: &str) -> Option<IpAddr> {
    let mut pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| name.eq_ignore_ascii_case("for"))
        .and_then(|(_, value)| node(value.trim_matches('"')))
}

/// An address, with a port or without; none for `unknown` and `_hidden`.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::settings::Value;

    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, lines: &[(&str, &'static str)]) -> String {
        let trusted = Networks::parse("10.0.0.0/8, 2001:db8:f::/48").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse().unwrap(), HeaderValue::from_static(value));
        }
        ClientAddress::read(Some(SocketAddr::new(peer.parse().unwrap(), 4711)), &headers, &trusted)
            .to_string()
    }

    fn behind_proxy(header: &str, value: &'static str) -> String {
        client(PROXY, &[(header, value)])
    }

    #[test]
    fn a_client_without_a_proxy_is_the_peer_whatever_it_writes() {
        for name in ["x-forwarded-for", "forwarded"] {
            assert_eq!(client("192.0.2.7", &[(name, "for=198.51.100.1, 198.51.100.1")]), "192.0.2.7");
        }
        assert_eq!(client("::ffff:192.0.2.7", &[]), "192.0.2.7");
    }

    #[test]
    fn behind_a_trusted_proxy_the_address_it_appended_counts() {
        assert_eq!(behind_proxy("x-forwarded-for", "192.0.2.7"), "192.0.2.7");
        assert_eq!(behind_proxy("x-forwarded-for", "192.0.2.7, 10.9.9.9"), "192.0.2.7", "two proxies");
        assert_eq!(behind_proxy("forwarded", "for=192.0.2.7;proto=https"), "192.0.2.7");
        assert_eq!(behind_proxy("forwarded", "proto=https; For=\"[2001:db8::7]:4711\""), "2001:db8::7");
        assert_eq!(client("2001:db8:f::1", &[("x-forwarded-for", "2001:db8::7")]), "2001:db8::7");
        assert_eq!(client(PROXY, &[]), PROXY);
    }

    #[test]
    fn what_the_client_wrote_before_the_proxy_is_not_believed() {
        assert_eq!(behind_proxy("x-forwarded-for", "198.51.100.1, 192.0.2.7"), "192.0.2.7");
        assert_eq!(
            behind_proxy("x-forwarded-for", "10.0.0.9, 198.51.100.1,192.0.2.7, 10.0.0.2"),
            "192.0.2.7"
        );
        let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(client(PROXY, &lines), "192.0.2.7", "also in a line of its own");
        assert_eq!(
            behind_proxy("forwarded", "for=\"198.51.100.1, for=192.0.2.7"),
            "192.0.2.7",
            "an open quote"
        );
    }

    #[test]
    fn two_headers_that_name_different_clients_name_none() {
        let lines = [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(client(PROXY, &lines), PROXY);
        let lines = [("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "192.0.2.7:80")];
        assert_eq!(client(PROXY, &lines), "192.0.2.7");
    }

    #[test]
    fn an_unreadable_hop_ends_at_the_one_that_reported_it() {
        for hop in ["unknown", "", "for=_hidden", "192.0.2.7 198.51.100.1", "[192.0.2.7"] {
            assert_eq!(behind_proxy("x-forwarded-for", hop), PROXY, "{hop}");
        }
        assert_eq!(behind_proxy("x-forwarded-for", "192.0.2.7, unknown, 10.0.0.2"), "10.0.0.2");
    }

    #[test]
    fn limits_count_a_network_of_ipv6_as_one_source() {
        let source = |text: &str| ClientAddress(text.parse().unwrap()).source().to_string();
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(source("192.0.2.7"), "192.0.2.7");
    }
}
