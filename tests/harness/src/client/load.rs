//! Many requests in a bounded stream: one on its way per client, all clients at once, on one thread.
//!
//! Pipelining over one connection would be fewer system calls, but Envoy ends a connection that has more than two answers
//! queued ("Too many responses queued").

use super::{Client, ClientError, RawRequest, Response};

/// Sends request after request, the next to the next client, and gives each answer in the order of the requests. Returns
/// how many there were.
///
/// No client has more than one request on its way, so some 16 to 64 clients keep one worker busy. Clients may differ in
/// address and certificate. Stops at the first error; a connection that an answer closes is opened again.
pub fn spread(
    clients: &mut [Client],
    requests: impl IntoIterator<Item = RawRequest>,
    mut each: impl FnMut(Response),
) -> Result<u64, ClientError> {
    if clients.is_empty() {
        return Err(ClientError::Setup("a load needs at least one client".to_owned()));
    }
    let mut requests = requests.into_iter();
    let mut bytes = Vec::new();
    let mut heads = Vec::with_capacity(clients.len());
    let mut count = 0;
    loop {
        heads.clear();
        for (client, request) in clients.iter_mut().zip(requests.by_ref()) {
            bytes.clear();
            request.encode_into(&mut bytes);
            client.write(&bytes)?;
            heads.push(request.is_head());
        }
        for (client, head) in clients.iter_mut().zip(&heads) {
            each(client.read(*head)?);
            count += 1;
        }
        if heads.len() < clients.len() {
            return Ok(count);
        }
    }
}

impl Client {
    /// Writes to the connection there is, without asking whether it still lives, or to a new one.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        match self.connection.as_mut() {
            Some(connection) => connection.write(bytes),
            None => self.live()?.write(bytes),
        }
    }

    fn read(&mut self, head: bool) -> Result<Response, ClientError> {
        let closed = ClientError::Closed { by: self.address, bytes: 0 };
        let answer = self.connection.as_mut().ok_or(closed)?.read(head);
        self.keep(answer)
    }
}
