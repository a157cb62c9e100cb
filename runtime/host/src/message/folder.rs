//! A folder that takes messages while one develops: one file a message, named by its id.

use std::io::Write as _;
use std::path::Path;

use admit_runtime::message::{Channel, Message, SendError};
use lettre::message::Mailbox;

use super::format;

/// Who mail in the folder is from.
const FROM: &str = "Admit <admit@localhost>";

/// Puts the message there; a second time changes nothing.
pub(super) fn put(folder: &Path, message: &Message) -> Result<(), SendError> {
    let (name, bytes) = match message.channel {
        Channel::Mail => {
            let from: Mailbox = FROM.parse().map_err(|_| SendError::for_good("the sender is no address"))?;
            (format!("{}.eml", message.id), format::mail(message, &from, None)?.formatted())
        }
        Channel::Sms => {
            let text = message.content.sms.as_ref().unwrap_or(&message.content.text);
            (format!("{}.sms.txt", message.id), format!("To: {}\n\n{text}\n", message.to).into_bytes())
        }
    };
    let failed = |error: std::io::Error| SendError::again(format!("the mailbox takes no file: {error}"));
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Whole or not at all, also for whoever watches the folder.
    let unfinished = folder.join(format!(".{name}"));
    let mut file = std::fs::File::create(&unfinished).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&unfinished, folder.join(name)).map_err(failed)
}
