//! Application Error, class 6008: something of our own does not work, or works again.

use meshward_model::Trouble;

use super::Context;
use super::judgement::of_trouble;
use super::parts::{self, Class};
use crate::json::Object;

/// What the trouble is called.
pub(super) fn code(trouble: &Trouble) -> String {
    format!("{}.{}", trouble.stage, trouble.what)
}

pub(super) fn write(record: &mut Object<'_>, trouble: &Trouble, context: &Context<'_>) {
    let class = Class { uid: 6008, name: "Application Error", category_uid: 6, activity_id: 1 };
    parts::base(record, &class, trouble.time, of_trouble(trouble), &trouble.message);
    let code = code(trouble);
    let status_id = if trouble.over { 1 } else { 2 };
    record.number("status_id", status_id).text("status_detail", &code);
    if trouble.count > 0 {
        record.number("count", trouble.count);
    }
    parts::metadata(record, context, None, &code, "");
}
