//! Cache and memory bandwidth.

use crate::api::pb::specd as pb;
use crate::domain::rdt::Rdt;
use crate::domain::violation::Violations;

/// runc: `validate.intelrdtCheck`.
pub(super) fn rdt(message: pb::RdtResources, wrong: &mut Violations) -> Rdt {
    const FIELD: &str = "options.resources.rdt";
    let clos_id = message.clos_id.unwrap_or_default();
    if [".", ".."].contains(&clos_id.as_str()) || clos_id.contains(['/', '\n', '\0']) {
        wrong.push(format!("{FIELD}.clos_id"), "must be the name of a directory");
    }
    let l3_cache_schema = message.l3_cache_schema.unwrap_or_default();
    let mem_bw_schema = message.mem_bw_schema.unwrap_or_default();
    for (name, line) in [("l3_cache_schema", &l3_cache_schema), ("mem_bw_schema", &mem_bw_schema)] {
        if !line.is_empty() && !message.schemata.is_empty() {
            wrong.push(format!("{FIELD}.{name}"), "goes without schemata, which would replace it");
        }
    }
    for (index, line) in message.schemata.iter().enumerate() {
        if line.contains('\n') || !line.contains(':') {
            wrong.push(format!("{FIELD}.schemata[{index}]"), "must be a line, as L3:0=f;1=f0");
        }
    }
    Rdt {
        clos_id,
        schemata: message.schemata,
        l3_cache_schema,
        mem_bw_schema,
        enable_cmt: message.enable_cmt.unwrap_or_default(),
        enable_mbm: message.enable_mbm.unwrap_or_default(),
        enable_monitoring: message.enable_monitoring.unwrap_or_default(),
    }
}
