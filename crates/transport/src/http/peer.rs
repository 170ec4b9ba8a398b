//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::request::Parts;
use latimer_core::Peer;

use super::options::OptionsError;

/// The address on the other end of a connection, as an extension of its requests.
///
/// The listener of this crate knows it without. Where the service is mounted in another server, that server may set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// An address, or a network in CIDR notation, whose `X-Forwarded-For` is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxy {
    network: IpAddr,
    prefix: u8,
}

impl TrustedProxy {
    fn covers(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((network, width), (address, other_width)) = (bits(self.network), bits(address.to_canonical()));
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        width == other_width && network & mask == address & mask
    }
}

impl FromStr for TrustedProxy {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let bad = || OptionsError::Proxy(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| bad())?)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        if prefix > most { Err(bad()) } else { Ok(Self { network, prefix }) }
    }
}

/// Where a request comes from: its connection's peer or, as long as that is a trusted proxy, whom the proxy
/// names. The right-most address that is not a trusted proxy counts: whatever stands left of it was
/// written by somebody whom we do not know.
pub(super) fn of(head: &Parts, connection: Option<SocketAddr>, trusted: &[TrustedProxy]) -> Peer {
    let told = || head.extensions.get::<PeerAddress>().map(|told| told.0);
    let Some(address) = connection.or_else(told) else { return Peer::Local };
    let headers = &head.headers;
    let mut peer = address.ip().to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|proxy| proxy.covers(address));
    if is_trusted(peer) {
        let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        for hop in hops.into_iter().rev() {
            let Some(address) = address_of(hop) else { break };
            peer = address.to_canonical();
            if !is_trusted(peer) {
                break;
            }
        }
    }
    Peer::Address(peer)
}

fn address_of(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(from: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let from: SocketAddr = from.parse().unwrap();
        let mut head = http::Request::new(()).into_parts().0;
        for value in forwarded {
            head.headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<TrustedProxy> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let known = of(&head, Some(from), &trusted);
        head.extensions.insert(PeerAddress(from));
        assert_eq!(of(&head, None, &trusted), known);
        match known {
            Peer::Address(address) => address.to_string(),
            Peer::Local => "local".to_owned(),
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(peer("192.0.2.1:5", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(peer("10.0.0.1:5", &["198.51.100.7"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(peer("10.0.0.1:5", &["1.1.1.1, 198.51.100.7, 10.0.0.2"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(peer("10.0.0.1:5", &["1.1.1.1", "198.51.100.7:99"], &["10.0.0.1"]), "198.51.100.7");
        assert_eq!(peer("10.0.0.1:5", &["nonsense"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(peer("[::ffff:10.0.0.1]:5", &["::2"], &["10.0.0.0/8"]), "::2");
    }

    #[test]
    fn networks_are_read() {
        for good in ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"] {
            assert!(good.parse::<TrustedProxy>().is_ok(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "::/129", "host", "10.0.0.0/-1"] {
            assert!(bad.parse::<TrustedProxy>().is_err(), "{bad}");
        }
        assert!("0.0.0.0/0".parse::<TrustedProxy>().unwrap().covers(IpAddr::from([1, 2, 3, 4])));
        assert!(!"0.0.0.0/0".parse::<TrustedProxy>().unwrap().covers("::1".parse().unwrap()));
    }
}
