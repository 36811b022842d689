//! The faults that people would make, each an exact text in a file and what stands there instead.

mod asking;
mod deciding;
mod reading;

/// One fault.
pub(crate) struct Fault {
    /// What goes wrong, in a few words.
    pub(crate) name: &'static str,
    /// Where, from the root of the checkout.
    pub(crate) file: &'static str,
    /// What stands there, exactly once.
    pub(crate) from: &'static str,
    /// What the fault makes of it.
    pub(crate) to: &'static str,
}

impl Fault {
    /// The package that the fault is planted in: `shared/policy/…` is `meshward-policy`.
    pub(crate) fn package(&self) -> String {
        format!("meshward-{}", self.file.split('/').nth(1).unwrap_or_default())
    }
}

/// Every fault.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    reading::FAULTS.iter().chain(deciding::FAULTS).chain(asking::FAULTS)
}
