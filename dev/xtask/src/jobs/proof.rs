//! `proof`: writes docs/proof.md from what the jobs have counted.

use crate::job::Context;
use crate::jobs::histories::empty_proof;
use std::fs;
use std::path::PathBuf;

/// Where the jobs of a kind leave what they counted: one file an entry, the same form as
/// `counterpoint_stress::report::tell` writes.
pub(crate) struct Proof {
    folder: PathBuf,
    kind: &'static str,
}

impl Proof {
    /// Begins anew: what an earlier run of this kind left is removed.
    pub(crate) fn begin(context: &Context, kind: &'static str) -> Result<Proof, String> {
        let folder = empty_proof(context, kind)?;
        Ok(Proof { folder, kind })
    }

    /// Leaves a count.
    pub(crate) fn tell(
        &self,
        subject: &str,
        engine: &str,
        count: u64,
        result: &str,
    ) -> Result<(), String> {
        let entry = serde_json::json!({
            "primitive": subject,
            "kind": self.kind,
            "engine": engine,
            "count": count,
            "result": result,
        });
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = format!("{}-{subject}-{engine}", self.kind)
            .chars()
            .map(plain)
            .collect();
        let path = self.folder.join(name).with_extension("json");
        fs::write(&path, format!("{entry}\n"))
            .map_err(|error| format!("{} cannot be written: {error}.", path.display()))
    }
}
