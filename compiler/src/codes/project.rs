//! Codes of project files: A0900-A0949.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0901", "a file is not UTF-8"),
    code!(Error, "A0902", "a file is too large"),
    code!(Error, "A0903", "a file is not TOML"),
    code!(Error, "A0904", "a setting has a value that it cannot have"),
    code!(Error, "A0905", "a file has a key that means nothing"),
    code!(Error, "A0906", "a list has no file"),
    code!(Error, "A0907", "a list is too long, or an entry of it"),
    code!(Warning, "A0908", "a setting does nothing yet"),
    code!(Error, "A0909", "an Action does not lie where it belongs"),
    code!(Error, "A0910", "a tenant's value is not of its param's type"),
    code!(Error, "A0911", "a tenant gives no value for a param"),
    code!(Error, "A0930", "a text of messages is not one"),
    code!(Error, "A0931", "a block names a text that there is not"),
    code!(Error, "A0932", "a text does not get its data"),
];
