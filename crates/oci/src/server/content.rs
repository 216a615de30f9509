//! Files and request bodies between disk and network: large pieces, few of them in memory at a time.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio_stream::wrappers::ReceiverStream;

use crate::pieces::Buffers;

/// Pieces of a file that wait for the network.
const PIECES_AHEAD: usize = 2;

/// Bytes of a body that wait for the disk; then the network waits, too.
const WAITING_LIMIT: usize = 2 << 20;

/// A client that sends nothing for so long is gone.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// A client that takes nothing for so long is gone.
const STALL_LIMIT: Duration = Duration::from_secs(300);

/// A body of `length` bytes of the file from `start` on. `sent` hears how many bytes were handed to the network so far.
///
/// A file that ends early or cannot be read breaks the connection, so that the client does not take the part for the whole.
/// A thread is taken only while a piece is read, so that clients that do not read cost no threads.
pub(super) fn send(file: File, start: u64, length: u64, sent: impl Fn(u64) + Send + 'static) -> Body {
    let (to_network, pieces) = mpsc::channel::<io::Result<Bytes>>(PIECES_AHEAD);
    tokio::spawn(async move {
        let (file, buffers) = (Arc::new(file), Buffers::default());
        let mut done = 0;
        while done < length {
            let (file, buffers) = (Arc::clone(&file), buffers.clone());
            let read = move || buffers.read(&file, start + done, length - done);
            let piece = tokio::task::spawn_blocking(read).await.unwrap_or_else(|e| Err(io::Error::other(e)));
            let count = piece.as_ref().ok().map(|piece| piece.len() as u64);
            let taken = tokio::time::timeout(STALL_LIMIT, to_network.send(piece)).await;
            let (Some(count), Ok(Ok(()))) = (count, taken) else { return };
            done += count;
            sent(done);
        }
    });
    Body::from_stream(ReceiverStream::new(pieces))
}

/// How the receiving of a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its regular end.
    Complete,
    /// The client went away or fell silent; what arrived was written.
    Broken,
}

/// Gives every piece of a body to `write`, which runs where it may wait for the disk, while the next pieces come in. Gives back
/// what `write` worked on. A thread is taken only while something is written.
///
/// # Errors
/// The first error of `write`; the rest of the body is dropped then.
pub(super) async fn receive<T, E, W>(mut body: Body, into: T, write: W) -> Result<(T, Ending), E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
    W: FnMut(&mut T, &[u8]) -> Result<(), E> + Send + 'static,
{
    // Either here, or with the thread that writes.
    let mut writer = Some((into, write));
    let mut writing: Option<JoinHandle<Result<(T, W), E>>> = None;
    let (mut waiting, mut waiting_bytes) = (Vec::new(), 0);
    let mut ending = None;
    loop {
        if let Some((mut into, mut write)) = writer.take() {
            if let (Some(ending), true) = (ending, waiting.is_empty()) {
                return Ok((into, ending));
            }
            if waiting.is_empty() {
                writer = Some((into, write));
            } else {
                let pieces: Vec<Bytes> = std::mem::take(&mut waiting);
                waiting_bytes = 0;
                writing = Some(tokio::task::spawn_blocking(move || {
                    pieces.iter().try_for_each(|piece| write(&mut into, piece))?;
                    Ok((into, write))
                }));
            }
        }
        tokio::select! {
            Some(written) = wait_for(&mut writing) => {
                writing = None;
                match written.unwrap_or_else(|e| Err(io::Error::other(e).into())) {
                    Ok(idle) => writer = Some(idle),
                    Err(e) => {
                        // The client gets to know when it has stopped sending.
                        drain(body).await;
                        return Err(e);
                    }
                }
            }
            frame = tokio::time::timeout(IDLE_LIMIT, body.frame()), if ending.is_none() && waiting_bytes < WAITING_LIMIT => {
                match frame {
                    Ok(None) => ending = Some(Ending::Complete),
                    Ok(Some(Ok(frame))) => {
                        if let Ok(piece) = frame.into_data() {
                            waiting_bytes += piece.len();
                            waiting.push(piece);
                        }
                    }
                    Ok(Some(Err(_))) | Err(_) => ending = Some(Ending::Broken),
                }
            }
        }
    }
}

/// The end of a task; `None` when there is none.
async fn wait_for<T>(task: &mut Option<JoinHandle<T>>) -> Option<Result<T, JoinError>> {
    match task {
        Some(task) => Some(task.await),
        None => None,
    }
}

/// Reads what a client still sends after its request was refused, so that it gets to reading the refusal; but not for long.
pub(super) async fn drain(mut body: Body) {
    const LIMIT: usize = 64 << 20;
    let drained = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > LIMIT {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), drained).await;
}

/// A header's value; `None` for a text that cannot be one.
pub(super) fn value(text: impl AsRef<str>) -> Option<HeaderValue> {
    HeaderValue::from_str(text.as_ref()).ok()
}
