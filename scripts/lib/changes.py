"""What is changed during the demo, as LDIF; the entries are among those that fixtures/awkward.py has in every size."""

import dataclasses
import typing

import ldif


def _nothing(_base):
    return []


def _none(_base):
    return None


@dataclasses.dataclass(frozen=True)
class Change:
    """One change in one directory. All functions take the DN of ou=people there."""

    organization: str
    what: str
    ldif: typing.Callable
    there: typing.Callable = _nothing  # DNs whose entries have to be seen in the other directories
    gone: typing.Callable = _nothing  # DNs whose entries, as they were before, must not be there any more
    renamed: typing.Callable = _none  # the DN before and after of an entry that must stay the same one
    renamed_to: typing.Callable = _none
    travels: bool = True


def add(dn, *attributes):
    """A change record that adds an entry."""
    return ldif.entry(dn, [("changetype", "add"), *attributes])


def person(dn, uid, display, sn, *more):
    """A change record that adds a person."""
    return add(dn, ("objectClass", "inetOrgPerson"), ("uid", uid), ("cn", display), ("sn", sn),
               ("displayName", display), *more)


def replace(dn, attribute, *values):
    """A change record that gives an attribute other values."""
    return (ldif.line("dn", dn) + f"changetype: modify\nreplace: {attribute}\n"
            + "".join(ldif.line(attribute, value) for value in values) + "\n")


def delete(dn):
    """A change record that deletes an entry."""
    return ldif.line("dn", dn) + "changetype: delete\n\n"


def rename(dn, rdn, above=None):
    """A change record that renames an entry, and moves it if `above` is given."""
    moved = ldif.line("newsuperior", above) if above else ""
    return ldif.line("dn", dn) + "changetype: modrdn\n" + ldif.line("newrdn", rdn) + "deleteoldrdn: 1\n" + moved + "\n"


ONE_BY_ONE = (
    Change("branch-a", "add an entry",
           lambda base: person(f"uid=ada.neumann,{base}", "ada.neumann", "Ada Neumann-Öz", "Neumann-Öz",
                               ("title", "Κύρια μηχανικός"), ("mail", ["ada@a.example", "a.neumann@a.example"]),
                               ("postalAddress", "Am Hang 3$c/o \\24$ Oz"), ("mobile", "+49 170 1234567"),
                               ("userPassword", "must not travel")),
           there=lambda base: [f"uid=ada.neumann,{base}"]),
    Change("branch-a", "change a title",
           lambda base: replace(f"uid=beyond,{base}", "title", "主任研究員", "Principal Researcher"),
           there=lambda base: [f"uid=beyond,{base}"]),
    Change("branch-a", "change what is not on the General page (mobile, userPassword)",
           lambda base: replace(f"uid=department.ou,{base}", "mobile", "+353 87 7654321")
           + replace(f"uid=department.ou,{base}", "userPassword", "changed, and nobody else's business"),
           travels=False),
    Change("branch-a", "rename the uid",
           lambda base: rename(f"uid=ada.neumann,{base}", "uid=ada.oez"),
           there=lambda base: [f"uid=ada.oez,{base}"],
           renamed=lambda base: f"uid=ada.neumann,{base}", renamed_to=lambda base: f"uid=ada.oez,{base}"),
    Change("branch-a", "a new OU with an entry in it",
           lambda base: add(f"ou=Équipe Lyon\\2C Sud,{base}", ("objectClass", "organizationalUnit"),
                            ("ou", "Équipe Lyon, Sud"))
           + person(f"uid=luc,ou=Équipe Lyon\\2C Sud,{base}", "luc", "Luc Béranger", "Béranger", ("l", "Lyon")),
           there=lambda base: [f"ou=Équipe Lyon\\2C Sud,{base}", f"uid=luc,ou=Équipe Lyon\\2C Sud,{base}"]),
    Change("branch-a", "delete an entry",
           lambda base: delete(f"uid=postal.three,{base}"),
           gone=lambda base: [f"uid=postal.three,{base}"]),
    Change("branch-a", "delete an entry and make another one at the same DN",
           lambda base: delete(f"uid=country.code,{base}")
           + person(f"uid=country.code,{base}", "country.code", "Somebody Else", "Else", ("title", "Newcomer")),
           gone=lambda base: [f"uid=country.code,{base}"], there=lambda base: [f"uid=country.code,{base}"]),
)

WHILE_MASTER_IS_AWAY = {
    "headquarters": lambda base: (
        # Only the order changes: the other address is the primary one now.
        replace(f"uid=many.values,{base}", "mail", "aa.second@hq.example", "zz.primary@hq.example")
        + delete(f"cn=Minimal,{base}")),
    "branch-a": lambda base: (
        replace(f"uid=rtl,{base}", "title", "מנכ״לית")
        + person(f"uid=meanwhile,{base}", "meanwhile", "Mean While", "While")
        + delete(f"uid=has.nobody,{base}")
        + replace(f"cn=Bosses\\2C all of them,{base}", "member", f"uid=has.two,{base}", f"uid=meanwhile,{base}")),
    "branch-b": lambda base: (
        # An OU gets another name, and what is in it goes along; somebody moves into it.
        rename(f"ou=営業第一課,{base}", "ou=営業企画課")
        + rename(f"cn=known.as.this,{base}", "cn=known.as.that", f"ou=営業企画課,{base}")
        + replace(f"uid=lines,{base}", "street", "Only line")
        + delete(f"uid=colon,{base}")),
}
