//! The mock upstream: fixed answers, one thread, one read and one write for each request.
//!
//! Which answer is chosen by the path's first segment or by the model's name. It checks nothing: no key, no JSON.

mod answers;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime;
use tokio::time::{Instant, sleep_until};

use crate::report;

use answers::{Answer, Answers};
use request::Reader;

#[derive(clap::Args)]
pub struct Args {
    /// 0: the system chooses; it is printed
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub fn run(args: &Args) -> Result<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = listen(args.port)?;
        report::announce(listener.local_addr()?);
        serve(listener, Arc::new(Answers::new()?)).await
    })
}

/// All of 127.0.0.0/8, for thousands of connections need more than one source or destination address.
pub fn listen(port: u16) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    Ok(socket.listen(4096)?)
}

async fn serve(listener: TcpListener, answers: Arc<Answers>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        // A client that leaves is no event here: the load generator says what it missed.
        tokio::spawn(async move { converse(stream, &answers).await.ok() });
    }
}

async fn converse(mut stream: TcpStream, answers: &Answers) -> Result<()> {
    let mut reader = Reader::new();
    while let Some(kind) = reader.next(&mut stream).await? {
        match answers.of(kind) {
            Answer::Once(bytes) => stream.write_all(bytes).await?,
            Answer::Each { head, chunk, count, pause, tail } => {
                stream.write_all(head).await?;
                write_chunks(&mut stream, chunk, *count, *pause).await?;
                stream.write_all(tail).await?;
            }
            Answer::Held(bytes) => {
                stream.write_all(bytes).await?;
                while stream.read(&mut [0; 64]).await? > 0 {}
            }
        }
    }
    Ok(())
}

async fn write_chunks(stream: &mut TcpStream, chunk: &[u8], count: u32, pause: Duration) -> Result<()> {
    let began = Instant::now();
    for number in 0..count {
        if !pause.is_zero() && number > 0 {
            sleep_until(began + pause * number).await;
        }
        stream.write_all(chunk).await?;
    }
    Ok(())
}
