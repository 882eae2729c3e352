//! One client and its connection to the server.
//!
//! To lose an answer, the proxy sends the chosen request and the end of the stream. The server executes the
//! request and closes; the proxy discards the answer and resets the client.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::frontend::Frontend;
use super::network::{Mode, Network, Protocol};

/// In bytes.
const PIECE: usize = 16 * 1024;
/// 4 MiB of pieces. A full queue blocks the server.
const DELAYED: usize = 256;
/// As long as the keepalive of a server takes; services must notice within 5 s.
const SILENCE: Duration = Duration::from_secs(30);

enum End {
    Closed,
    Broken,
    AnswerLost,
}

pub(super) async fn serve(mut client: TcpStream, network: Arc<Network>) {
    let mut cuts = network.state.subscribe();
    let mut silences = network.state.subscribe();
    let began = *cuts.borrow_and_update();
    let cut =
        async { _ = cuts.wait_for(|state| state.resets != began.resets || state.mode == Mode::Refuse).await };
    let silenced = async { _ = silences.wait_for(|state| state.silences != began.silences).await };
    let end = {
        // In silence the future is unpolled, and both connections stay open for a while.
        let mut conversation = pin!(converse(&mut client, &network));
        let alive = async {
            tokio::select! {
                end = &mut conversation => end,
                () = silenced => {
                    network.hit();
                    let _silent = Arc::clone(&network.silent);
                    sleep(SILENCE).await;
                    End::Broken
                }
            }
        };
        tokio::select! {
            () = cut => {
                network.hit();
                End::Broken
            }
            end = alive => end,
        }
    };
    if matches!(end, End::AnswerLost) {
        network.hit();
    }
    if !matches!(end, End::Closed) {
        // Dropping sends RST.
        _ = client.set_zero_linger();
    }
}

async fn converse(client: &mut TcpStream, network: &Network) -> End {
    if network.held_back().await {
        return End::Broken;
    }
    let Ok(mut server) = TcpStream::connect(network.upstream()).await else { return End::Broken };
    // A piece is mostly a whole message, which Nagle's algorithm would delay.
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return End::Broken;
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let lost = AtomicBool::new(false);
    tokio::select! {
        end = requests(from_client, to_server, network, &lost) => end,
        end = answers(from_server, to_client, network, &lost) => end,
    }
}

async fn requests(
    mut client: ReadHalf<'_>,
    mut server: WriteHalf<'_>,
    network: &Network,
    lost: &AtomicBool,
) -> End {
    let mut frontend = Frontend::default();
    let mut piece = vec![0; PIECE];
    loop {
        let read = client.read(&mut piece).await;
        // A black hole swallows the end of the client as well.
        if network.held_back().await {
            return End::Broken;
        }
        let piece = match read {
            Ok(0) => return End::Closed,
            Ok(count) => &piece[..count],
            Err(_) => return End::Broken,
        };
        let chosen = match network.protocol {
            Protocol::Postgres => frontend.look(piece, |is_write| network.choose(is_write)),
            Protocol::Redis => network.choose(true).then_some(piece.len()),
        };
        lost.store(chosen.is_some(), Ordering::Relaxed);
        if server.write_all(&piece[..chosen.unwrap_or(piece.len())]).await.is_err() {
            return End::Broken;
        }
        if chosen.is_some() {
            _ = server.shutdown().await;
            // The other direction ends when the server closes.
            return std::future::pending().await;
        }
    }
}

async fn answers(
    mut server: ReadHalf<'_>,
    mut client: WriteHalf<'_>,
    network: &Network,
    lost: &AtomicBool,
) -> End {
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(DELAYED);
    let read = async move {
        let mut piece = vec![0; PIECE];
        loop {
            let read = server.read(&mut piece).await;
            if network.held_back().await {
                return End::Broken;
            }
            let count = match read {
                _ if lost.load(Ordering::Relaxed) && !matches!(read, Ok(1..)) => return End::AnswerLost,
                Ok(0) => return End::Closed,
                Ok(count) => count,
                Err(_) => return End::Broken,
            };
            let due = Instant::now() + delay(network);
            if !lost.load(Ordering::Relaxed) && queue.send((due, piece[..count].to_vec())).await.is_err() {
                return End::Broken;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = queued.recv().await {
            sleep_until(due).await;
            if client.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    // Bytes read before the close still go to the client.
    tokio::join!(read, write).0
}

fn delay(network: &Network) -> Duration {
    match network.mode() {
        Mode::Delay(by) => {
            network.hit();
            by
        }
        _ => Duration::ZERO,
    }
}
