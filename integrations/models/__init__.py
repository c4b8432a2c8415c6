"""Everything a project is connected to; Django finds models by this module."""

from integrations.models.alert import Alert
from integrations.models.api_key import ApiKey
from integrations.models.audit import AuditEntry
from integrations.models.connection_name import ConnectionName
from integrations.models.integration import Environment, Integration, VendorToken
from integrations.models.invitation import Invitation
from integrations.models.list_view import ListExport, MemberSettings, SavedView
from integrations.models.portal_session import PortalSession, SingleSignOnLink
from integrations.models.second_factor import Passkey, SecondFactor
from integrations.models.vendor_call import VendorCall
from integrations.models.wording import Wording
from integrations.models.workspace import Access, Area, Lockable, Membership, Project, Workspace

__all__ = [
    "Access",
    "Alert",
    "ApiKey",
    "Area",
    "AuditEntry",
    "ConnectionName",
    "Environment",
    "Integration",
    "Invitation",
    "ListExport",
    "Lockable",
    "MemberSettings",
    "Membership",
    "Passkey",
    "PortalSession",
    "Project",
    "SavedView",
    "SecondFactor",
    "SingleSignOnLink",
    "VendorCall",
    "VendorToken",
    "Wording",
    "Workspace",
]
