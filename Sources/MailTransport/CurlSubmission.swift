import CCurl
import Foundation
import Synchronization

/// One submission through libcurl. All of it runs on the thread that calls `perform`.
struct CurlSubmission: Sendable {
    let settings: SMTPSubmission
    let message: [UInt8]
    let sender: MailAddress
    let recipient: MailAddress
    let isLast: Bool
    let cancellation: CancellationFlag

    /// Does it all; returns when the server has answered or something went wrong.
    func perform(on connection: CurlConnection) -> Result<Void, any Error> {
        blockPipeSignal()
        let exchange = CurlExchange(message: message, cancellation: cancellation)
        let result = connection.withHandle(exchange) { transfer(exchange, on: $0, connection) }
        if case .success? = result, !isLast { return .success(()) }
        connection.close()
        return result
            ?? .failure(error(kind: .transient, detail: "libcurl cannot be initialized; is memory short?"))
    }

    private func transfer(
        _ exchange: CurlExchange, on handle: UnsafeMutableRawPointer, _ connection: CurlConnection
    ) -> Result<Void, any Error> {
        let recipients = curl_slist_append(nil, "<\(recipient.text)>")
        var errorText = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE) + 1)
        defer { curl_slist_free_all(recipients) }
        guard let recipients else {
            return .failure(error(kind: .transient, detail: "there is no memory for the recipient"))
        }
        return errorText.withUnsafeMutableBufferPointer { errorText in
            let options = CurlOptions(handle: handle)
            options.set(CURLOPT_ERRORBUFFER, pointer: errorText.baseAddress)
            configure(options, exchange: exchange, recipients: recipients)
            let status = options.firstFailure ?? curl_easy_perform(handle)
            options.set(CURLOPT_ERRORBUFFER, pointer: nil)
            if status == CURLE_OK { return .success(()) }
            if cancellation.isSet.load(ordering: .relaxed) { return .failure(CancellationError()) }
            let said = errorText.baseAddress.map { String(cString: $0) } ?? ""
            let detail = said.isEmpty ? String(cString: curl_easy_strerror(status)) : said
            return .failure(
                error(
                    status: status, detail: detail.forPeople, reply: exchange.lastReply,
                    serverBytesMax: exchange.announcedBytesMax ?? connection.serverBytesMax))
        }
    }

    private func configure(
        _ options: CurlOptions,
        exchange: CurlExchange,
        recipients: UnsafeMutablePointer<curl_slist>
    ) {
        let server = settings.server
        options.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        options.set(CURLOPT_URL, settings.helloName.map { "\(server.url)/\($0)" } ?? server.url)
        // Not even from the environment: mail goes where the configuration says.
        options.set(CURLOPT_PROXY, "")
        options.set(CURLOPT_NOSIGNAL, 1)
        // The goodbye then belongs to the transfer, which can be cancelled; a connection that is kept is closed in the end
        // by a handle of libcurl's own, which waits two minutes for a server that is busy.
        options.set(CURLOPT_FORBID_REUSE, isLast ? 1 : 0)

        options.set(CURLOPT_CONNECTTIMEOUT, settings.timeouts.connectSeconds)
        options.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, settings.timeouts.replySeconds)
        options.set(CURLOPT_TIMEOUT, settings.timeouts.totalSeconds)

        switch server.protection {
        case .implicitTLS, .requiredStartTLS: options.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue))
        case .opportunisticStartTLS: options.set(CURLOPT_USE_SSL, Int(CURLUSESSL_TRY.rawValue))
        case .none: options.set(CURLOPT_USE_SSL, Int(CURLUSESSL_NONE.rawValue))
        }
        options.set(CURLOPT_SSL_VERIFYPEER, server.verifiesCertificate ? 1 : 0)
        options.set(CURLOPT_SSL_VERIFYHOST, server.verifiesCertificate ? 2 : 0)
        if let file = settings.certificateAuthorityFile { options.set(CURLOPT_CAINFO, file) }
        if let credentials = settings.credentials {
            options.set(CURLOPT_USERNAME, credentials.user)
            options.set(CURLOPT_PASSWORD, credentials.password)
            // Of what a server offers libcurl would take Kerberos first, and give up where there are no tickets. The password
            // is protected by TLS.
            options.set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN")
        }

        options.set(CURLOPT_MAIL_FROM, "<\(sender.text)>")
        options.set(CURLOPT_MAIL_RCPT, list: recipients)
        options.set(CURLOPT_UPLOAD, 1)
        options.set(CURLOPT_UPLOAD_BUFFERSIZE, 512 * 1024)
        options.set(CURLOPT_INFILESIZE_LARGE, size: message.count)
        options.install(exchange)
    }

    /// A connection that the server has closed would end the process with SIGPIPE, because TLS writes without
    /// MSG_NOSIGNAL. The signal goes to the writing thread, which is ours, and blocked there it is only an error code.
    private func blockPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

extension CurlSubmission {
    private func error(
        kind: SMTPSubmissionError.Kind,
        detail: String,
        reply: SMTPSubmissionError.Reply? = nil,
        isTooLarge: Bool = false,
        advice: String? = nil
    ) -> SMTPSubmissionError {
        let operation = "submitting a mail from \(sender) to \(recipient) through \(settings.server.url)"
        return SMTPSubmissionError(
            kind: kind, operation: operation, reply: reply, detail: detail, isTooLarge: isTooLarge, advice: advice)
    }

    /// A reply decides where there is one; otherwise only what a person has to put right is permanent.
    private func error(
        status: CURLcode, detail: String, reply: SMTPSubmissionError.Reply?, serverBytesMax: Int?
    ) -> SMTPSubmissionError {
        if let reply, reply.isTooLarge {
            let limit = serverBytesMax.map { "at most \($0) bytes" } ?? "less"
            let advice =
                "the mail has \(message.count) bytes, and the server takes \(limit): "
                + "set messageBytes to what it takes, or raise the server's limit"
            return error(kind: .permanent, detail: detail, reply: reply, isTooLarge: true, advice: advice)
        }
        switch status {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT:
            let advice = "check the name and the port, and that the server runs"
            return error(kind: .transient, detail: detail, advice: advice)
        case CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING:
            return error(kind: .transient, detail: detail, reply: reply)
        case CURLE_USE_SSL_FAILED:
            let advice =
                "the server does not offer STARTTLS: use smtps, or allow the insecure connection in so many words"
            // 454: it has STARTTLS, and cannot just now (RFC 3207, section 4).
            let kind: SMTPSubmissionError.Kind = reply?.code.isTransientReply == true ? .transient : .permanent
            return error(kind: kind, detail: detail, reply: reply, advice: advice)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            let advice = "check the server's certificate and the certificate authorities that are trusted"
            return error(kind: .permanent, detail: detail, advice: advice)
        case CURLE_LOGIN_DENIED:
            let kind: SMTPSubmissionError.Kind = reply?.code.isTransientReply == true ? .transient : .permanent
            return error(kind: kind, detail: detail, reply: reply, advice: "check the user and the password")
        case CURLE_UNKNOWN_OPTION, CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT:
            return error(kind: .permanent, detail: detail)
        default:
            let isPermanent = reply.map { (500...599).contains($0.code) } ?? false
            return error(kind: isPermanent ? .permanent : .transient, detail: detail, reply: reply)
        }
    }
}

extension SMTPSubmissionError.Reply {
    /// 552, or the enhanced status codes for a mail that is too large (RFC 3463, sections 3.3 and 3.4).
    fileprivate var isTooLarge: Bool {
        (500...599).contains(code) && (code == 552 || text.hasPrefix("5.3.4") || text.hasPrefix("5.2.3"))
    }
}

extension Int {
    fileprivate var isTransientReply: Bool { (400...499).contains(self) }
}
