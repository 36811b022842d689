//! Envoy's admin interface: statistics, listeners' addresses.

use super::{EnvoyError, View};
use crate::client::{Client, RawRequest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

impl View {
    /// `GET path` of the admin interface; anything but 200 is an error.
    pub fn admin_get(&self, path: &str) -> Result<String, EnvoyError> {
        let answer = Client::plain(self.admin_address()).send(&RawRequest::get(path))?;
        if answer.status == 200 {
            return Ok(answer.text());
        }
        Err(EnvoyError::AdminAnswer { path: path.to_owned(), status: answer.status, body: answer.text() })
    }

    /// Counters and gauges whose names begin with this prefix.
    pub fn stats(&self, prefix: &str) -> Result<BTreeMap<String, u64>, EnvoyError> {
        Ok(numbers(&self.admin_get("/stats?format=text")?, prefix))
    }

    /// One counter or gauge; one that is not there counts as 0.
    pub fn stat(&self, name: &str) -> Result<u64, EnvoyError> {
        Ok(self.stats(name)?.get(name).copied().unwrap_or(0))
    }

    /// Waits until a counter or gauge is as wanted; gives its value.
    pub fn wait_stat(
        &self,
        name: &str,
        wanted: impl Fn(u64) -> bool,
        within: Duration,
    ) -> Result<u64, EnvoyError> {
        let what = format!("the statistic `{name}`");
        self.wait(&what, within, || self.stat(name).ok().filter(|value| wanted(*value)))
    }

    /// Where the listener of this name really listens: what port 0 became.
    pub fn listener_address(&self, name: &str) -> Result<Option<SocketAddr>, EnvoyError> {
        let text = self.admin_get("/listeners?format=json")?;
        let all: Value = serde_json::from_str(&text).unwrap_or_default();
        let statuses = all.get("listener_statuses").and_then(Value::as_array);
        let found =
            statuses.into_iter().flatten().find(|one| one.get("name").and_then(Value::as_str) == Some(name));
        Ok(found.and_then(|one| one.pointer("/local_address/socket_address")).and_then(socket_address))
    }
}

fn socket_address(value: &Value) -> Option<SocketAddr> {
    let ip = value.get("address")?.as_str()?.parse().ok()?;
    let port = u16::try_from(value.get("port_value")?.as_u64()?).ok()?;
    Some(SocketAddr::new(ip, port))
}

/// Lines `name: 12`; histograms and text readouts are passed over.
fn numbers(text: &str, prefix: &str) -> BTreeMap<String, u64> {
    text.lines()
        .filter(|line| line.starts_with(prefix))
        .filter_map(|line| line.rsplit_once(": "))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn only_numbers_under_the_prefix_are_read() {
        let text = "a.b: 1\na.c: P0(nan,1)\na.d: \"text\"\nz: 2\n";
        assert_eq!(numbers(text, "a.").into_iter().collect::<Vec<_>>(), [("a.b".to_owned(), 1)]);
    }
}
