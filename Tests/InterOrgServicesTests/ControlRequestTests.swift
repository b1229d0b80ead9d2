import Testing

@testable import InterOrgServices

@Suite("What a running agent is asked")
struct ControlRequestTests {
    @Test("a request is read back from its line", arguments: [nil, 0, 1, 20, Int.max])
    func line(allowedDeletions: Int?) {
        let request = ControlRequest(allowedDeletions: allowedDeletions)
        #expect(ControlRequest(line: request.line) == request)
    }

    @Test("the line without a number is what it always was")
    func plain() {
        #expect(ControlRequest().line == "synchronize\n")
    }

    @Test(
        "anything else is no request",
        arguments: [
            "", "\n", "synchronize", "synchronize \n", "synchronise\n", "synchronize allow-deletes\n",
            "synchronize allow-deletes -1\n", "synchronize allow-deletes +1\n", "synchronize allow-deletes 01\n",
            "synchronize  allow-deletes 1\n", "synchronize allow-deletes 1 \n", "synchronize allow-deletes 1 2\n",
            "synchronize allow-deletes 1\nsynchronize\n", "synchronize allow-deletes 99999999999999999999\n",
        ])
    func strict(line: String) {
        #expect(ControlRequest(line: line) == nil)
    }
}
