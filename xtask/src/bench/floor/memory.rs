//! What lies where in a floor's memory: places for answers, the numbers of metrics, constants; behind them what the host asks for.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wasm_encoder::{ConstExpr, DataSection};

/// The global that says where the constants end.
pub(super) const BEGINNING_GLOBAL: u32 = 2;
/// Where answers are written to: eight bytes each, for the longest of them. Nothing lies at 0.
const PLACES: i32 = 16;
const PLACE_BYTES: i32 = 8;
const MOST_PLACES: i32 = 4;
/// Where the constants begin.
const CONSTANTS: i32 = 64;
const ALIGNMENT: usize = 8;
const PAGE_BYTES: u64 = 65_536;

/// The constants and what is among them.
#[derive(Debug, Default)]
pub(super) struct Memory {
    bytes: Vec<u8>,
    constants: BTreeMap<Vec<u8>, i32>,
    metrics: BTreeMap<i64, i32>,
}

/// Where the answer of this number is written to.
pub(super) fn place(number: i32) -> Result<i32> {
    ensure!(number < MOST_PLACES, "a host call has too many places for answers");
    Ok(PLACES.saturating_add(number.saturating_mul(PLACE_BYTES)))
}

impl Memory {
    /// Where these bytes lie; equal ones lie in one place.
    pub(super) fn constant(&mut self, bytes: &[u8]) -> Result<i32> {
        if let Some(place) = self.constants.get(bytes) {
            return Ok(*place);
        }
        let place = self.append(bytes)?;
        self.constants.insert(bytes.to_vec(), place);
        Ok(place)
    }

    /// Makes room for a metric's number. One that is defined again has its number already.
    pub(super) fn metric(&mut self, id: i64) -> Result<()> {
        if !self.metrics.contains_key(&id) {
            let place = self.append(&[0; 4])?;
            self.metrics.insert(id, place);
        }
        Ok(())
    }

    /// Where the number of this metric lies.
    pub(super) fn of_metric(&self, id: i64) -> Result<i32> {
        let found = self.metrics.get(&id).copied();
        found.with_context(|| {
            format!("the metric of number {id} is not defined when the module is configured")
        })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<i32> {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        let place = self.end()?;
        self.bytes.extend_from_slice(bytes);
        Ok(place)
    }

    /// Where the constants end, aligned.
    pub(super) fn end(&self) -> Result<i32> {
        let bytes = i32::try_from(self.bytes.len().next_multiple_of(ALIGNMENT))?;
        bytes.checked_add(CONSTANTS).context("too many constants")
    }

    /// The pages that hold them, and one more.
    pub(super) fn pages(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX).div_ceil(PAGE_BYTES).saturating_add(1)
    }

    /// The constants as a section.
    pub(super) fn data(&self) -> DataSection {
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(CONSTANTS), self.bytes.iter().copied());
        data
    }
}
