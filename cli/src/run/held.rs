//! A stream of the proxy that is held by somebody: let go too early, the client has gone.

use std::rc::Rc;

use meshward_host::{Attributes, Proxy, Stream};

use super::driver::Driver;

/// An open stream.
pub(super) struct Held {
    driver: Rc<Driver>,
    stream: Stream,
    over: bool,
}

impl Held {
    /// Opens it.
    pub(super) fn open(driver: &Rc<Driver>, attributes: Attributes) -> Self {
        let stream = driver.open(attributes);
        Self { driver: Rc::clone(driver), stream, over: false }
    }

    /// Does something with it.
    pub(super) fn touch<T>(&self, act: impl FnOnce(&mut Proxy, Stream) -> T) -> T {
        self.driver.touch(|proxy| act(proxy, self.stream))
    }

    /// Waits until there is something to see of it.
    pub(super) async fn wait<T>(&self, look: impl Fn(&Proxy, Stream) -> Option<T>) -> T {
        self.driver.wait(|proxy| look(proxy, self.stream)).await
    }

    /// It has come to its end.
    pub(super) fn finish(mut self) {
        self.over = true;
        self.touch(|proxy, stream| {
            // Bodies that the module does not look at went past the proxy.
            if proxy.forwarded(stream).is_some_and(|request| !request.complete) {
                proxy.request_body(stream, &[], true);
            }
            if proxy.responded(stream).is_some_and(|response| !response.complete) {
                proxy.response_body(stream, &[], true);
            }
            proxy.finish(stream);
        });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.over {
            self.touch(|proxy, stream| {
                proxy.reset(stream);
                proxy.finish(stream);
            });
        }
    }
}
