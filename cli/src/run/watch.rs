//! The policy's file, looked at again and again: what changes there is put in force, or refused and said.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::driver::Driver;
use super::native::Native;
use super::told::Told;
use crate::policy;
use crate::workload::Workload;

/// How often it is looked at. A change counts when two looks in a row see the same: editors write in pieces.
const EVERY: Duration = Duration::from_millis(200);

/// Looks for ever.
pub(super) async fn watch(
    path: PathBuf,
    workload: Workload,
    json: String,
    driver: Rc<Driver>,
    native: Rc<Native>,
) {
    if path.as_os_str() == "-" {
        return;
    }
    let mut in_force = json;
    let mut settled = std::fs::read(&path).unwrap_or_default();
    let mut last = settled.clone();
    loop {
        tokio::time::sleep(EVERY).await;
        // A file that is gone for a moment is being replaced.
        let Ok(now) = std::fs::read(&path) else { continue };
        let quiet = now == last;
        last = now;
        if !quiet || last == settled {
            continue;
        }
        settled.clone_from(&last);
        match policy::load(&path, &workload) {
            Err(failure) => driver.tell(Told::Refused(failure.to_string())),
            Ok((policy, ..)) if policy.json == in_force => {}
            Ok((policy, _, plugin)) => match driver.configure(policy.json.as_bytes()) {
                Ok(()) => {
                    native.replace(plugin);
                    in_force = policy.json;
                    driver.tell(Told::Reloaded);
                }
                Err(refused) => driver.tell(Told::Refused(refused.to_string())),
            },
        }
    }
}
