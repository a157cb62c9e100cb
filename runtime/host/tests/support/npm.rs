//! The peers of npm that tests speak to, installed once for all of them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of this repository's scripts for peers.
pub fn scripts() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join(".ci/peers"));
    folders.find(|folder| folder.join("install").exists()).unwrap()
}

/// The folder of their modules; scripts that import them stand beside it.
pub fn modules() -> PathBuf {
    let installed = Command::new(scripts().join("install")).output().unwrap();
    let said = String::from_utf8_lossy(&installed.stderr);
    assert!(installed.status.success(), ".ci/peers/install failed: {said}");
    PathBuf::from(String::from_utf8(installed.stdout).unwrap().trim())
}
