// SPDX-License-Identifier: MIT
//! A TCP echo server as a user of Tokio would write it: `echo [WORKERS]`, a task a connection.

use std::io::Read;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    loop {
        let n = socket.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        socket.write_all(&buffer[..n]).await?;
    }
}

async fn accept_all() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(serve(socket));
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(peers::number(1, 1))
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.spawn(async {
        if let Err(error) = accept_all().await {
            eprintln!("echo: {error}");
            std::process::exit(1);
        }
    });
    // The main thread is no worker; it waits for the end of the standard input.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    server.abort();
    runtime.shutdown_background();
}
