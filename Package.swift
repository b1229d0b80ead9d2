// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asn1 = product(name: "SwiftASN1", package: "swift-asn1")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams = product(name: "Yams", package: "Yams")
}

func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "interorg",
    products: [
        .executable(name: "interorg", targets: ["interorg"]),
        .library(name: "LDAPClient", targets: ["LDAPClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The heart: pure, no I/O, no clock.
        room("AddressBook", [.crypto]),
        room(
            "DirectoryMapping", ["AddressBook", "StrictYAML", .crypto],
            // In the code, so that the program needs no bundle beside it.
            resources: [.embedInCode("Profiles/inetOrgPerson.yaml")]),
        room("IncrementalSync", ["AddressBook"]),
        room("InterOrgProtocol", ["AddressBook", .crypto]),

        // Text that people write: YAML that is checked key by key.
        room("StrictYAML", [.yams]),

        // Adapters: each knows one outside thing.
        .systemLibrary(name: "CLDAP", providers: [.apt(["libldap2-dev", "libsasl2-dev"])]),
        .systemLibrary(name: "CGSSAPI", providers: [.apt(["libkrb5-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CJemalloc", linkerSettings: [.linkedLibrary("jemalloc")]),
        room("LDAPClient", ["CGSSAPI", "CLDAP", .asn1]),
        room("MailTransport", ["CCurl", "COpenSSL", "CZlib", .nioCore, .nioPosix, .nioSSL, .logging]),
        room("SQLiteStore", ["AddressBook", "IncrementalSync", "InterOrgProtocol", .crypto, .grdb]),
        room("LDAPDirectory", ["AddressBook", "DirectoryMapping", "IncrementalSync", "LDAPClient"]),

        // Composition and the command line.
        room(
            "InterOrgServices",
            [
                "AddressBook", "DirectoryMapping", "IncrementalSync", "InterOrgProtocol", "LDAPClient",
                "LDAPDirectory", "MailTransport", "SQLiteStore", "StrictYAML", .crypto, .logging, .nioCore, .nioPosix,
                .serviceLifecycle, .unixSignals,
            ]),
        .executableTarget(
            name: "interorg",
            dependencies: [
                "AddressBook", "CJemalloc", "InterOrgServices", "LDAPClient", "MailTransport", "SQLiteStore",
                "StrictYAML", .argumentParser, .logging,
            ],
            swiftSettings: settings),

        // What scripts/bench measures beside the services.
        .executableTarget(
            name: "DirectoryCopy",
            dependencies: [
                "AddressBook", "CJemalloc", "DirectoryMapping", "IncrementalSync", "LDAPClient", "LDAPDirectory",
                "SQLiteStore", .argumentParser,
            ],
            path: "Benchmarks/DirectoryCopy", swiftSettings: settings),
        .executableTarget(
            name: "SealingSpeed",
            dependencies: [
                "AddressBook", "CJemalloc", "InterOrgProtocol", "MailTransport", .argumentParser,
            ],
            path: "Benchmarks/SealingSpeed", swiftSettings: settings),

        .executableTarget(
            name: "ExchangeSpeed",
            dependencies: [
                "AddressBook", "CJemalloc", "IncrementalSync", "InterOrgProtocol", "InterOrgServices", "MailTransport",
                "SQLiteStore", .argumentParser,
            ],
            path: "Benchmarks/ExchangeSpeed", swiftSettings: settings),

        // Worlds of the simulator, many in each process; scripts/simulate runs it.
        .executableTarget(
            name: "Simulate", dependencies: ["CJemalloc", "IncrementalSync", "Simulation", .argumentParser],
            path: "Benchmarks/Simulate", swiftSettings: settings),

        // Servers and worlds for tests, and the tests of each room.
        .target(
            name: "TestSupport", path: "Tests/TestSupport", exclude: ["gateway.py"], swiftSettings: settings),
        .target(
            name: "SynchronizationTestSupport", dependencies: ["AddressBook", "IncrementalSync"],
            path: "Tests/SynchronizationTestSupport", swiftSettings: settings),
        .target(
            name: "Simulation",
            dependencies: [
                "AddressBook", "IncrementalSync", "InterOrgProtocol", "InterOrgServices", "SQLiteStore", .grdb,
            ],
            path: "Tests/Simulation", swiftSettings: settings),
        tests("AddressBookTests", ["AddressBook"]),
        tests("DirectoryMappingTests", ["AddressBook", "DirectoryMapping", "StrictYAML", .yams]),
        tests("IncrementalSyncTests", ["AddressBook", "IncrementalSync", "SynchronizationTestSupport"]),
        tests("InterOrgProtocolTests", ["AddressBook", "InterOrgProtocol", "TestSupport"]),
        tests("LDAPClientTests", ["LDAPClient", "TestSupport", .asn1]),
        tests(
            "MailTransportTests",
            ["COpenSSL", "MailTransport", "TestSupport", .logging, .nioCore, .nioPosix, .nioSSL]),
        tests(
            "SQLiteStoreTests",
            [
                "AddressBook", "IncrementalSync", "InterOrgProtocol", "SQLiteStore", "SynchronizationTestSupport",
                .grdb,
            ]),
        tests(
            "LDAPDirectoryTests",
            [
                "AddressBook", "DirectoryMapping", "IncrementalSync", "InterOrgProtocol", "LDAPClient", "LDAPDirectory",
                "SQLiteStore", "SynchronizationTestSupport", "TestSupport", .grdb,
            ]),
        tests(
            "InterOrgServicesTests",
            [
                "AddressBook", "DirectoryMapping", "IncrementalSync", "InterOrgProtocol", "InterOrgServices",
                "LDAPClient", "LDAPDirectory", "MailTransport", "SQLiteStore", "StrictYAML",
                "SynchronizationTestSupport", .grdb, .logging, .yams,
            ]),
        tests("SimulationTests", ["IncrementalSync", "Simulate", "Simulation", "TestSupport"]),
        tests("EndToEndTests", ["LDAPClient", "MailTransport", "TestSupport", "interorg", .logging]),
    ]
)
