//! Loopback ports that are known before Envoy's configuration is written and that nobody else is given meanwhile.
//!
//! A policy may speak of the destination port, so the port must be known first. Binding port 0 and closing the socket
//! again leaves a gap in which the kernel may hand the port to someone else; here the sockets stay bound (they never
//! listen) with `SO_REUSEPORT`, which Envoy also sets on its listeners, so both may have the port.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// One port, held on one or more loopback addresses for as long as this value lives.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    addresses: Vec<IpAddr>,
    _held: Vec<Socket>,
}

/// How often a port free on the first address may turn out to be taken on another before we give up.
const ATTEMPTS: usize = 64;

impl Reserved {
    /// A port on 127.0.0.1.
    pub fn loopback() -> io::Result<Self> {
        Self::on(&[IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }

    /// The same port on 127.0.0.1, 127.0.0.2, … 127.0.0.`count`: several workloads that all listen on one port.
    pub fn loopbacks(count: u8) -> io::Result<Self> {
        let addresses: Vec<_> = (1..=count).map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))).collect();
        Self::on(&addresses)
    }

    /// The same port on each of these loopback addresses. Fails on an address that is not loopback.
    pub fn on(addresses: &[IpAddr]) -> io::Result<Self> {
        if addresses.is_empty() || addresses.iter().any(|address| !address.is_loopback()) {
            let what = format!("{addresses:?}: give one or more loopback addresses");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match Self::try_on(addresses) {
                Ok(reserved) => return Ok(reserved),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("no attempt was made")))
    }

    fn try_on(addresses: &[IpAddr]) -> io::Result<Self> {
        let mut port = 0;
        let mut held = Vec::new();
        for address in addresses {
            let socket = Socket::new(Domain::for_address(SocketAddr::new(*address, 0)), Type::STREAM, None)?;
            socket.set_reuse_port(true)?;
            socket.bind(&SocketAddr::new(*address, port).into())?;
            let bound = socket.local_addr()?.as_socket();
            port = bound.map_or(0, |bound| bound.port());
            held.push(socket);
        }
        Ok(Self { port, addresses: addresses.to_vec(), _held: held })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port on the first address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let first = self.addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        SocketAddr::new(first, self.port)
    }

    /// The port on each address, in the order given.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().map(|address| SocketAddr::new(*address, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::Reserved;
    use std::error::Error;
    use std::net::TcpListener;

    #[test]
    fn one_port_is_held_on_several_addresses() -> Result<(), Box<dyn Error>> {
        let reserved = Reserved::loopbacks(3)?;
        let addresses: Vec<_> = reserved.addresses().collect();
        assert_eq!(addresses.len(), 3);
        for address in addresses {
            assert_eq!(address.port(), reserved.port());
            assert!(
                TcpListener::bind(address).is_err(),
                "{address} could be taken by one who does not share it"
            );
        }
        Ok(())
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        assert!(Reserved::on(&["0.0.0.0".parse().unwrap_or_else(|_| [0, 0, 0, 0].into())]).is_err());
        assert!(Reserved::on(&[]).is_err());
    }
}
